"""What may be said: texts without the secrets in them, and without signs that a terminal would act on."""
