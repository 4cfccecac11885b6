"""Table models: column constants, a sort role, no widgets."""
