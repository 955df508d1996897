"""What `/openapi.json` says of the routes: what each takes, what it answers, and with which status."""
