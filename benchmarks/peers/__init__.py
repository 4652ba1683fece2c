"""What others would write without Penchant, to be measured beside it."""
