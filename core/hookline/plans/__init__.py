"""From typed words to checked stages; nothing runs here."""
