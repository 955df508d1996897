"""What sources may be able to do whose rows keep coming, beyond reading on from where they were left."""
