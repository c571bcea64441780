//! Specs: small templates that name the defaults, the templates and the scenario of what to deploy.

use super::base_dir::{BaseDir, Document, read_file};
use super::remark::Remark;
use super::render;
use crate::diagnostic::{Finding, Span};
use crate::experiment::did_you_mean;
use crate::yaml;
use serde_json::{Value, json};
use std::path::Path;

const FOLDER: &str = "config/specification";
const SUFFIXES: [&str; 3] = [".yaml.j2", ".yaml", ".j2"];

/// A spec that was found, rendered and read, with the files it names.
#[derive(Debug, Clone, PartialEq)]
pub struct Spec {
    /// The name it was found under: `local`, `guides/pd-disaggregation`, or the file's path.
    pub name: String,
    /// The spec as rendered, for the record.
    pub rendered: Document,
    /// Where the files it names, and the profiles, come from.
    pub base_dir: BaseDir,
    /// The defaults of every config key.
    pub values: Document,
    /// What to deploy.
    pub scenario: Document,
    /// The folder of the templates, relative to the base dir.
    pub template_dir: String,
}

/// Find the spec called `name`, look at every path in it, and read the files it names.
///
/// `name` is a file (relative to `cwd`), or a name with or without its folder and suffix. `base_dir` is searched
/// before the embedded base dir.
pub(super) fn resolve(base_dir: &BaseDir, name: &str, cwd: &Path) -> Result<Spec, Vec<Remark>> {
    let found = find(base_dir, name, cwd).map_err(|remark| vec![remark])?;
    let rendered = render(&found).map_err(|remark| vec![remark])?;
    read(&found, rendered)
}

/// Every spec of a base dir, as `category/name`, sorted.
pub fn names(base_dir: &BaseDir) -> Vec<String> {
    base_dir
        .list(FOLDER)
        .iter()
        .filter_map(|path| path.strip_suffix(".yaml.j2").map(str::to_owned))
        .collect()
}

struct Found {
    name: String,
    base_dir: BaseDir,
    template: Document,
}

fn find(base_dir: &BaseDir, name: &str, cwd: &Path) -> Result<Found, Remark> {
    let path = cwd.join(name);
    if path.is_file() {
        let shown = path.display().to_string();
        return Ok(Found {
            name: name.to_owned(),
            base_dir: base_dir.clone(),
            template: read_file(&path, shown).map_err(|error| Remark::error(error.to_string()))?,
        });
    }
    let stem = SUFFIXES
        .iter()
        .find_map(|suffix| name.strip_suffix(suffix))
        .unwrap_or(name);
    let mut roots = vec![base_dir.clone()];
    if *base_dir != BaseDir::Embedded {
        roots.push(BaseDir::Embedded);
    }
    for root in &roots {
        if let Some(found) = open(root, stem)? {
            return Ok(found);
        }
    }
    let base = stem.rsplit('/').next().unwrap_or(stem);
    for root in &roots {
        let mut same: Vec<String> = names(root);
        same.retain(|candidate| candidate.rsplit('/').next() == Some(base));
        match same.as_slice() {
            [] => {}
            [one] => {
                if let Some(found) = open(root, one)? {
                    return Ok(found);
                }
            }
            several => {
                return Err(
                    Remark::error(format!("--spec {name} could be any of several specs"))
                        .with_help(format!("name one with its folder: {}", several.join(", "))),
                );
            }
        }
    }
    Err(missing(&roots, name, stem))
}

fn open(root: &BaseDir, stem: &str) -> Result<Option<Found>, Remark> {
    let relative = format!("{FOLDER}/{stem}.yaml.j2");
    if !root.has_file(&relative) {
        return Ok(None);
    }
    let template = root
        .read(&relative)
        .map_err(|error| Remark::error(error.to_string()))?;
    Ok(template.map(|template| Found {
        name: stem.to_owned(),
        base_dir: root.clone(),
        template,
    }))
}

fn missing(roots: &[BaseDir], name: &str, stem: &str) -> Remark {
    let all: Vec<String> = roots.iter().flat_map(names).collect();
    // Compared as it was written: with its folder, or without.
    let written = |full: &'_ str| {
        if stem.contains('/') {
            0
        } else {
            full.rfind('/').map_or(0, |at| at + 1)
        }
    };
    let likely = all.iter().filter_map(|full| full.get(written(full)..));
    let mut help: Vec<String> = did_you_mean(stem, likely).into_iter().collect();
    for root in roots {
        let candidates = names(root);
        if !candidates.is_empty() {
            help.push(format!("{root}/{FOLDER} has: {}", candidates.join(", ")));
        }
    }
    help.push("a spec of your own is named by its path".to_owned());
    Remark::error(format!("there is no spec {name}")).with_help(help.join("\n"))
}

fn render(found: &Found) -> Result<Document, Remark> {
    let context = json!({"base_dir": found.base_dir.root()});
    let text = render::single(&found.template, &context).map_err(|mut remark| {
        remark.finding.message = format!(
            "the spec's template cannot be rendered: {}",
            remark.finding.message
        );
        remark
    })?;
    Ok(Document {
        name: found.template.name.clone(),
        text,
    })
}

fn read(found: &Found, rendered: Document) -> Result<Spec, Vec<Remark>> {
    let refuse = |message: String| {
        vec![Remark::within(
            &rendered,
            Finding::error(Span::default(), message),
        )]
    };
    let document =
        yaml::from_str(&rendered.text).map_err(|finding| vec![Remark::within(&rendered, finding)])?;
    if document.get("scenario").is_some() {
        let mut remarks = refuse("this is a scenario, not a spec".to_owned());
        for remark in &mut remarks {
            remark.finding.help =
                Some("--spec takes the file that names the scenario under scenario_file.path".to_owned());
        }
        return Err(remarks);
    }
    let base_dir = own_base_dir(&document, &found.base_dir).map_err(refuse)?;
    let mut remarks = Vec::new();
    check_paths(&base_dir, &document, &mut String::new(), &mut remarks);
    let mut file = |key: &str| -> Option<Document> {
        let Some(path) = document
            .get(key)
            .and_then(|map| map.get("path"))
            .and_then(Value::as_str)
        else {
            remarks.push(format!("{key}.path is missing"));
            return None;
        };
        // What is wrong with the path was said by the check above.
        base_dir
            .relative(path)
            .ok()
            .and_then(|path| base_dir.read(&path).ok()?)
    };
    let (values, scenario) = (file("values_file"), file("scenario_file"));
    let template_dir = document.pointer("/template_dir/path").and_then(Value::as_str);
    if template_dir.is_none() {
        remarks.push("template_dir.path is missing".to_owned());
    }
    let template_dir = template_dir.and_then(|path| base_dir.relative(path).ok());
    match (values, scenario, template_dir) {
        (Some(values), Some(scenario), Some(template_dir)) if remarks.is_empty() => Ok(Spec {
            name: found.name.clone(),
            base_dir,
            values,
            scenario,
            template_dir,
            rendered,
        }),
        _ => Err(remarks.into_iter().flat_map(refuse).collect()),
    }
}

/// The base dir a spec names for itself, where that is another one than it was rendered with.
fn own_base_dir(document: &Value, rendered_with: &BaseDir) -> Result<BaseDir, String> {
    match document.get("base_dir").and_then(Value::as_str) {
        Some(own) if own != rendered_with.root() && Path::new(own).is_absolute() => {
            BaseDir::external(Path::new(own)).map_err(|error| format!("base_dir: {error}"))
        }
        _ => Ok(rendered_with.clone()),
    }
}

/// Every string of a spec but `base_dir` itself is a path that must be there.
fn check_paths(base_dir: &BaseDir, value: &Value, key: &mut String, remarks: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                let length = key.len();
                if length > 0 {
                    key.push('.');
                }
                key.push_str(name);
                if key != "base_dir" {
                    check_paths(base_dir, value, key, remarks);
                }
                key.truncate(length);
            }
        }
        Value::Array(items) => {
            for item in items {
                check_paths(base_dir, item, key, remarks);
            }
        }
        Value::String(path) => {
            let problem = match base_dir.relative(path) {
                Ok(inside) if base_dir.has_folder(&inside) => None,
                Ok(inside) => match base_dir.read(&inside) {
                    Ok(Some(document)) if document.text.trim().is_empty() => Some("is empty".to_owned()),
                    Ok(Some(_)) => None,
                    Ok(None) => Some("does not exist".to_owned()),
                    Err(error) => Some(format!("cannot be used: {error}")),
                },
                Err(error) => Some(format!("cannot be used: {error}")),
            };
            if let Some(problem) = problem {
                remarks.push(format!("{key}: {path} {problem}"));
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(text: &str) -> Result<Spec, String> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("mine.yaml.j2"), text).unwrap();
        resolve(&BaseDir::embedded(), "mine.yaml.j2", folder.path())
            .map_err(|remarks| remarks.iter().map(|remark| remark.render(false)).collect())
    }

    const GOOD: &str = "{% set base_dir = base_dir | default('../') -%}
base_dir: {{ base_dir }}
values_file: {path: '{{ base_dir }}/config/templates/values/defaults.yaml'}
template_dir: {path: '{{ base_dir }}/config/templates'}
scenario_file: {path: '{{ base_dir }}/config/scenarios/local.yaml'}
";

    #[test]
    fn every_embedded_spec_resolves_by_each_of_its_names() {
        let base = BaseDir::embedded();
        let cwd = Path::new("/");
        for name in names(&base) {
            let spec = resolve(&base, &name, cwd).unwrap();
            assert_eq!(spec.name, name);
            let short = name.rsplit('/').next().unwrap();
            assert_eq!(resolve(&base, &format!("{short}.yaml.j2"), cwd).unwrap(), spec);
        }
    }

    #[test]
    fn a_spec_of_the_users_own_is_named_by_its_path() {
        assert!(
            spec(GOOD)
                .unwrap()
                .scenario
                .name
                .ends_with("scenarios/local.yaml")
        );
    }

    #[test]
    fn a_miss_lists_what_is_there() {
        let remarks = resolve(&BaseDir::embedded(), "locl", Path::new("/")).unwrap_err();
        let text = remarks[0].render(false);
        assert!(text.contains("did you mean `local`?"), "{text}");
        assert!(text.contains("pd-disaggregation"), "{text}");
    }

    #[test]
    fn a_name_that_fits_several_specs_is_refused_with_all_of_them() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a/same", "b/same"] {
            let path = folder.path().join(format!("{FOLDER}/{name}.yaml.j2"));
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, GOOD).unwrap();
        }
        let base = BaseDir::external(folder.path()).unwrap();
        let text = resolve(&base, "same", Path::new("/")).unwrap_err()[0].render(false);
        assert!(text.contains("a/same, b/same"), "{text}");
    }

    #[test]
    fn what_a_spec_may_not_do_is_told_in_one_pass() {
        let text = spec(
            "values_file: {path: /etc/passwd}\ntemplate_dir: {path: '{{ base_dir }}/nowhere'}\nscenario_file: {}\n",
        )
        .unwrap_err();
        for part in [
            "leads out of the base dir",
            "does not exist",
            "scenario_file.path is missing",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        let text = spec("scenario: []\n").unwrap_err();
        assert!(text.contains("this is a scenario"), "{text}");
    }

    #[test]
    fn a_template_that_never_ends_is_stopped() {
        let text =
            spec("{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}").unwrap_err();
        assert!(text.contains("cannot be rendered"), "{text}");
    }
}
