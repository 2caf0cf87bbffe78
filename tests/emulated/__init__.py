"""What `make test-deploy` asks of the stages that it deploys to the emulator: `python -m emulated`."""
