"""`python -m deploy.local.supervisor`: supervisord, which starts its programs at once.

supervisord's own loop starts them only after it has waited a second for something to read, and at first there is nothing.
"""

from supervisor import supervisord


class PromptSupervisor(supervisord.Supervisor):  # type: ignore[misc]  # supervisor has no types
    """supervisord with one step before its loop."""

    def runforever(self) -> None:
        """Start the programs, then do as supervisord does."""
        for group in sorted(self.process_groups.values()):
            group.transition()
        super().runforever()


def main() -> None:
    """Run supervisord with the arguments of this process."""
    supervisord.Supervisor = PromptSupervisor  # supervisord.go makes one of the class by that name
    supervisord.main()


if __name__ == "__main__":
    main()
