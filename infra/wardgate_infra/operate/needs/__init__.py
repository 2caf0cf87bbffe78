"""What a deploy needs of an AWS account, check by check: operate/preflight.py asks for it."""
