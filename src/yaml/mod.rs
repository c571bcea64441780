//! YAML 1.1 as PyYAML reads it, with the position of every node; and the one YAML writer.
