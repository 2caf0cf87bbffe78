"""An emulator of AWS on this machine, and how a stage is deployed to it."""
