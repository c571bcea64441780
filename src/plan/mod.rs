//! Plans: spec → scenario → merged config per setup treatment, rendered profiles per run treatment, fingerprints.
