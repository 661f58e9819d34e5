"""Series beside a reference, two results, verdicts, time to quality."""
