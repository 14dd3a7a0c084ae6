"""What is measured, and the scripts that measure it. `make bench` runs all of them."""
