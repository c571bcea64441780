//! Base dirs for tests.

use std::path::PathBuf;

/// A base dir in a folder of its own, with one spec called `mine`.
pub(super) struct BaseDirOnDisk {
    folder: tempfile::TempDir,
}

impl BaseDirOnDisk {
    /// With these defaults and this scenario.
    pub(super) fn new(defaults: &str, scenario: &str) -> Self {
        let this = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        this.write("config/templates/values/defaults.yaml", defaults);
        this.write("config/templates/jinja/00_nothing.yaml.j2", "# nothing\n");
        this.write("config/scenarios/mine.yaml", scenario);
        this.write(
            "config/specification/mine.yaml.j2",
            "base_dir: {{ base_dir }}
values_file: {path: '{{ base_dir }}/config/templates/values/defaults.yaml'}
template_dir: {path: '{{ base_dir }}/config/templates/jinja'}
scenario_file: {path: '{{ base_dir }}/config/scenarios/mine.yaml'}
",
        );
        this
    }

    /// Its folder.
    pub(super) fn path(&self) -> PathBuf {
        self.folder.path().to_path_buf()
    }

    /// Write a file of it.
    pub(super) fn write(&self, path: &str, text: &str) {
        let path = self.folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}
