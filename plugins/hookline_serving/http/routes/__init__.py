"""What a server offers beside `/predict`, its neighbors and the Open Inference Protocol."""
