//! Mini templates, each for one rule of the reference's Jinja environment.

mod checked;
mod limits;
mod sweep;
mod texts;

use super::environment::EMBEDDED;
use super::load::{Loading, number, on_large_stack};
use super::*;
use crate::plan::base_dir::BaseDir;
use serde_json::json;
use std::collections::HashSet;
use std::path::Path;

/// Templates of a base dir that has just these files; the embedded ones stay out.
fn templates(files: &[(&str, &str)]) -> Result<Templates, String> {
    let files: Vec<(String, Document)> = files
        .iter()
        .map(|(name, text)| {
            let document = Document {
                name: format!("base/{name}"),
                text: (*text).into(),
            };
            ((*name).to_owned(), document)
        })
        .collect();
    on_large_stack(|| {
        let mut loading = Loading::new().unwrap();
        loading.add(&files, "", &HashSet::new());
        loading.finish().map_err(|remarks| told(&remarks))
    })
    .unwrap()
}

fn told(remarks: &[Remark]) -> String {
    remarks.iter().map(|remark| remark.render(false)).collect()
}

/// What a template is rendered to, as for a stack; most texts here are no manifests, and so are not checked.
fn render_with(macros: &str, template: &str, config: &Value) -> Result<String, String> {
    let templates = templates(&[("_macros.j2", macros), ("01_x.yaml.j2", template)])?;
    let tree = Arc::new(Tree::new(config));
    match templates.text(&templates.all[0], &tree) {
        Ok((text, _)) => Ok(text.to_string()),
        Err((document, finding)) => {
            let failure = Failure {
                output: templates.all[0].output.clone(),
                document,
                finding,
            };
            Err(told(&[
                failure.remark("the stack llama in the setup treatment tp2")
            ]))
        }
    }
}

fn render(template: &str, config: &Value) -> String {
    render_with("", template, config)
        .unwrap()
        .trim_end_matches('\n')
        .to_owned()
}

fn refused(template: &str, config: &Value) -> String {
    render_with("", template, config).unwrap_err()
}

#[test]
fn bare_values_are_printed_as_python_prints_them() {
    let config = json!({"t": true, "n": null, "f": 0.95, "whole": 300.0, "big": 1e16, "small": 1e-5, "i": 12, "l": ["a", 1], "m": {"b": 1, "a": false}});
    assert_eq!(
        render(
            "{{ t }} {{ n }} {{ f }} {{ whole }} {{ big }} {{ small }} {{ i }} {{ l }} {{ m }} {{ t | lower }} {{ 'x' ~ t ~ i }}|{{ gone }}",
            &config
        ),
        "True None 0.95 300.0 1e+16 1e-05 12 ['a', 1] {'b': 1, 'a': False} true xTrue12|"
    );
}

#[test]
fn more_values_are_what_they_are_in_python() {
    let config = json!({"m": {"b": 1}, "l": [1, 2]});
    for (template, expected) in [
        (
            "{{ (1, 'a') }} {{ (1,) }} {{ [()] }} {{ m.items() | list }}",
            "(1, 'a') (1,) [()] [('b', 1)]",
        ),
        ("{{ dict(a=1) }} {{ dict([('a', 1)]) }}", "{'a': 1} {'a': 1}"),
        (
            "{{ '0x1A' | int(base=16) }} {{ '1_000' | int }} {{ 'z' | int(7, base=16) }}",
            "26 1000 7",
        ),
        (
            "{{ 1e20 | string }} {{ [none, gone, 1e-7] }}",
            "1e+20 [None, Undefined, 1e-07]",
        ),
        (
            "{{ m is sequence }} {{ 'a' is sequence }} {{ 1 is sequence }} {{ m is mapping }}",
            "True True False True",
        ),
        (
            "{{ (l + [3])[2] if false }}{{ -7 // 2 }} {{ 4 / 2 }} {{ 1 == 1.0 }} {{ true == 1 }}",
            "-4 2.0 True True",
        ),
    ] {
        assert_eq!(render(template, &config), expected, "{template}");
    }
}

#[test]
fn blocks_leave_no_lines_behind() {
    assert_eq!(
        render(
            "a:\n  {% if x %}\n  b: {{ x }}\n  {% endif %}\n  {# c #}\nd: {%- if x %} e{% endif %}\n",
            &json!({"x": 1})
        ),
        "a:\n  b: 1\nd: e"
    );
}

#[test]
fn what_is_undefined_is_empty_but_has_no_parts() {
    let config = json!({"a": {"b": null}});
    assert_eq!(
        render(
            "{{ x }}{{ a.x }}{{ a.b.c }}{% if x %}1{% endif %}{% for i in x %}2{% endfor %}{{ x | length }}{{ x | is_empty }}{{ a.b | is_empty }}",
            &config
        ),
        "0FalseTrue"
    );
    let text = refused("one\ntwo: {{ a.x.y }}\n", &config);
    for part in [
        "base/01_x.yaml.j2:2:9",
        "`a.x`",
        "stack llama",
        "setup treatment tp2",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn the_filters_do_as_those_of_the_reference() {
    let config = json!({"m": {"b": ["x", "y"], "a": {"t": "one\ntwo\n", "u": "no"}}, "t": "a\n\nb", "e": [], "n": null, "s": " "});
    let cases = [
        (
            "{{ m | toyaml }}",
            "a:\n  t: |\n    one\n    two\n  u: 'no'\nb:\n- x\n- y",
        ),
        ("x:\n{{ m.b | toyaml(indent=2) }}", "x:\n  - x\n  - y"),
        (
            "{{ e | toyaml }}{{ n | toyaml }}{{ 'as: is' | toyaml }}",
            "as: is",
        ),
        ("{{ t | indent(2) }}", "a\n\n  b"),
        ("-{{ t | indent(width=1, first=true) }}", "- a\n\n b"),
        (
            "{{ {'b': [1, 2.0, None, true], 'a': 'ü\"\n'} | tojson }}",
            "{\"b\":[1,2.0,null,true],\"a\":\"\\u00fc\\\"\\n\"}",
        ),
        (
            "{{ s | default_if_empty('x') }}{{ 0 | default_if_empty('x') }}",
            "x0",
        ),
        (
            "{{ 'YWI' | b64pad }} {{ 'ab' | b64encode }}{{ '' | b64encode }}",
            "YWI= YWI=",
        ),
        (
            "{{ 'facebook/opt-125m' | model_id_label('ns1') }}",
            "facebook-b327bd53-opt-125m",
        ),
        (
            "{{ '4Gi' | int }} {{ '7.9' | int }} {{ none | int }} {{ 'x' | float }} {{ '2' | float }} {{ 'q' | int(default=3) }}",
            "0 7 0 0.0 2.0 3",
        ),
        (
            "{{ n | default('x') }} {{ n | default('x', true) }} {{ n | d('y', boolean=true) }}",
            "None x y",
        ),
        (
            "{{ m.b | join(',') }} {{ [{'n': 1}, {'n': 2}] | map(attribute='n') | list }} {{ [{'n': 'a'}, {'n': 'b'}] | selectattr('n', 'equalto', 'b') | list | length }}",
            "x,y [1, 2] 1",
        ),
        (
            "{{ 'a/b/'.rstrip('/') }} {{ 'a-b'.replace('-', '.') }} {{ 'x' in ['x'] }}",
            "a/b a.b True",
        ),
        (
            "{% for k, v in m.items() %}{{ k }}{% if not loop.last %},{% endif %}{% endfor %}",
            "b,a",
        ),
    ];
    for (template, expected) in cases {
        assert_eq!(render(template, &config), expected, "{template}");
    }
}

#[test]
fn macros_see_what_the_template_has_set_before_the_call() {
    let macros = "{% macro show(x='d') -%}\n{{ x }} {{ name }} {{ own }}\n{%- endmacro %}\n";
    let template = "{% set own = 'set' %}{{ show() }}|{{ show('e') }}";
    assert_eq!(
        render_with(macros, template, &json!({"name": "n"})).unwrap(),
        "d n set|e n set\n"
    );
}

#[test]
fn an_error_names_its_own_file_and_line_in_spite_of_the_macros() {
    let macros = "{# one #}\n{% macro deep() -%}\n{{ gone.part }}\n{%- endmacro %}\n";
    let text = render_with(macros, "a\n{{ raise('no such class') }}\n", &json!({})).unwrap_err();
    assert!(text.contains("base/01_x.yaml.j2:2:4"), "{text}");
    assert!(text.contains("no such class"), "{text}");
    let text = render_with(macros, "a\n{{ deep() }}\n", &json!({})).unwrap_err();
    assert!(text.contains("base/_macros.j2:3:4"), "{text}");
    let text = render_with(macros, "a\n{% if %}\n", &json!({})).unwrap_err();
    assert!(text.contains("base/01_x.yaml.j2:2:"), "{text}");
    assert!(text.contains("syntax error"), "{text}");
}

#[test]
fn collections_can_be_changed_as_in_python() {
    let config = json!({"c": [{"name": "a"}, {"name": "b", "image": "own"}], "m": {"p": 1, "q": 2}});
    let template = "{% set rest = {} %}{% for k, v in m.items() if k != 'p' %}{% set _ = rest.update({k: v}) %}{% endfor %}
{%- set names = [] -%}
{% for i in c %}{% if not i.image %}{% set _ = i.update({'image': 'new'}) %}{% endif %}{% set _ = names.append(i.name) %}{% endfor %}
{%- for i in c %}{{ i.name }}={{ i.image }} {% endfor %}{{ rest | tojson }} {{ names | join('+') }}";
    assert_eq!(render(template, &config), "a=new b=own {\"q\":2} a+b");
    // The next rendering starts anew.
    assert_eq!(render(template, &config), "a=new b=own {\"q\":2} a+b");
    let text = refused(
        "{% set x = {} %}\n{% set _ = x.update({'é': x.pop('y')}) %}",
        &config,
    );
    assert!(text.contains("base/01_x.yaml.j2:2:"), "{text}");
}

#[test]
fn what_is_kept_is_what_was_given() {
    let template = "{% set ns = namespace(sum=[1] + [2], n=0) %}{% for i in [3, 4] %}{% set ns.sum = ns.sum + [i] %}{% set ns.n = ns.n + i %}{% endfor %}
{%- set a, b = 1, [2] + c %}{% set t = c | map('string') %}{% macro m(x, y=2) %}{{ x }}{{ y }}{{ gone }}{% endmacro %}
{{ ns.sum[3] }} {{ ns.sum }} {{ ns.n }} {{ a }} {{ b }} {{ t }} {{ m(1) }} {{ m(c + c) }}";
    assert_eq!(
        render(template, &json!({"c": [5]})).trim(),
        "4 [1, 2, 3, 4] 7 1 [2, 5] ['5'] 12 [5, 5]2"
    );
}

#[test]
fn partials_can_be_included_and_imported() {
    let found = templates(&[
        ("_part.j2", "part {{ x }}\n"),
        ("_lib.j2", "{% macro twice(a) %}{{ a }}{{ a }}{% endmacro %}"),
        (
            "01_a_yaml.j2",
            "{% from '_lib.j2' import twice %}a: {% include '_part.j2' %}{{ twice(x) }}",
        ),
    ])
    .unwrap()
    .render(&json!({"x": 7}), "t", "s")
    .unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].name, "01_a_yaml.yaml");
    assert_eq!(found[0].template, "base/01_a_yaml.j2");
    assert_eq!(&*found[0].text, "a: part 777\n");
}

#[test]
fn a_template_that_is_turned_off_gives_an_empty_file() {
    assert_eq!(
        render_with("", "{% if x.enabled %}\na: 1\n{% endif %}\n", &json!({"x": {}})).unwrap(),
        "\n"
    );
}

#[test]
fn only_templates_that_read_what_changed_are_rendered_again() {
    let templates = templates(&[
        ("01_a.yaml.j2", "x: {% if a.on %}{{ a.x }}{% endif %}"),
        ("02_b.yaml.j2", "{{ b | toyaml }}"),
        ("03_c.yaml.j2", "x: {{ a.gone | default('none') }}"),
    ])
    .unwrap();
    let render = |config: &Value| -> (Vec<String>, usize) {
        let files = templates.render(config, "t", "s").unwrap();
        (
            files
                .iter()
                .map(|file| file.text.trim().trim_start_matches("x: ").to_owned())
                .collect(),
            templates.renderings(),
        )
    };
    let one = json!({"a": {"on": true, "x": 1, "unread": 1}, "b": {"y": 1}});
    assert_eq!(render(&one), (vec!["1".into(), "y: 1".into(), "none".into()], 3));
    assert_eq!(render(&one).1, 3);
    let mut other = one.clone();
    other["a"]["unread"] = json!(2);
    assert_eq!(render(&other).1, 3, "nothing reads it");
    other["a"]["x"] = json!(1.0);
    assert_eq!(
        render(&other),
        (vec!["1.0".into(), "y: 1".into(), "none".into()], 4)
    );
    other["b"]["z"] = json!(2);
    assert_eq!(render(&other).1, 5, "a key more");
    other["a"]["gone"] = json!("here");
    assert_eq!(
        render(&other),
        (vec!["1.0".into(), "y: 1\nz: 2".into(), "here".into()], 6)
    );
    other["a"]["on"] = json!(false);
    assert_eq!(render(&other).1, 7);
    other["a"]["x"] = json!("unread now");
    assert_eq!(render(&other).1, 7);
}

#[test]
fn what_is_embedded_fills_in_where_a_base_dir_has_no_template_of_the_number() {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write(
        "config/specification/mine.yaml.j2",
        "values_file: {path: '{{ base_dir }}/config/d.yaml'}\ntemplate_dir: {path: '{{ base_dir }}/config/jinja'}\nscenario_file: {path: '{{ base_dir }}/config/d.yaml'}\n",
    );
    write("config/d.yaml", "a: 1\n");
    write("config/jinja/05_own.yaml.j2", "x: 1\r\n");
    let base = BaseDir::external(folder.path()).unwrap();
    let spec = crate::plan::spec::resolve(&base, "mine", Path::new("/")).unwrap();
    let templates = Templates::load(&spec).unwrap();
    let fives: Vec<&Template> = templates
        .all
        .iter()
        .filter(|template| number(&template.output) == "05")
        .collect();
    assert_eq!(fives.len(), 1);
    assert!(fives[0].document.name.ends_with("jinja/05_own.yaml.j2"));
    let others = templates
        .all
        .iter()
        .filter(|template| number(&template.output) != "05");
    for template in others {
        assert!(
            template.document.name.starts_with(EMBEDDED),
            "{:?}",
            template.document.name
        );
    }
}
