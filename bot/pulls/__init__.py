"""Pull requests: compared with what the forge holds, composed, and executed there."""
