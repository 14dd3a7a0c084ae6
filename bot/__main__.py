"""`python -m bot` is the command `autograd-bot`."""

from bot.cli import main

if __name__ == "__main__":
    main()
