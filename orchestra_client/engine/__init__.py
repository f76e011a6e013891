"""Running a flow: signals, and the steps from one state to the next."""
