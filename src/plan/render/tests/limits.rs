//! Templates that would never end, or would fill the memory.

use super::*;
use std::time::{Duration, Instant};

/// What stops `template`, within seconds.
fn stopped(template: &str) -> String {
    let start = Instant::now();
    let text = render_with("", template, &json!({"l": [1, 2]})).unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(20), "{template}");
    assert!(text.contains("base/01_x.yaml.j2"), "{template}: {text}");
    text
}

#[test]
fn work_without_end_is_stopped() {
    let loops = "{% for a in range(9999) %}{% for b in range(9999) %}{% for c in range(9999) %}{% endfor %}{% endfor %}{% endfor %}";
    for template in [
        loops,
        "{% for a in range(1000000000) %}{% endfor %}",
        "{% set ns = namespace(x='x') %}{% for a in range(99) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
        "{{ 'x' * 1000000000 }}",
        "{{ ([1] * 1000000000) | length }}",
        "{{ range(1000000000) | list | length }}",
        "{{ range(100000) | join('x' * 10000) }}",
        "{{ 'x'.replace('', 'y' * 1000000).replace('y', 'z' * 1000000) }}",
        "{% set l = [1] %}{% for a in range(40) %}{% set _ = l.extend(l) %}{% endfor %}",
        "{% set d = {} %}{% for a in range(40) %}{% set _ = d.update({'a': d, 'b': d}) %}{% endfor %}",
        "{% set ns = namespace(l=[1]) %}{% for a in range(99) %}{% set ns.l = ns.l + ns.l %}{% endfor %}",
        "{% set ns = namespace(l=[1]) %}{% for a in range(99) %}{% set ns.l = {'a': ns.l + ns.l}.a %}{% endfor %}",
        "{% set ns = namespace(d={'a': [1]}) %}{% for a in range(99) %}{% set ns.d = {'a': ns.d.a + ns.d.a} %}{% endfor %}",
        "{% macro m(a) %}{{ m(a + a + a + a + a + a + a + a) }}{% endmacro %}{{ m([1]) }}",
        "{% for a in [[1]] recursive %}{{ loop([a + a]) }}{% endfor %}",
        "{{ '%999999999d' % 1 }}",
        "{{ '%999999999d' | format(1) }}",
        "{{ 'x'.center(999999999) }}",
    ] {
        stopped(template);
    }
    let text = stopped(loops);
    assert!(text.contains("it was stopped"), "{text}");
}

#[test]
fn lists_that_double_without_a_loop_are_stopped() {
    let doubled = "{% set l = l + l %}".repeat(60);
    stopped(&format!("{{% set l = [1] %}}{doubled}{{{{ l | length }}}}"));
    let doubled = "{% set n = namespace(l=n.l + n.l) %}".repeat(60);
    stopped(&format!(
        "{{% set n = namespace(l=[1]) %}}{doubled}{{{{ n.l | length }}}}"
    ));
    let doubled = "{% with l = l + l %}".repeat(60);
    stopped(&format!(
        "{doubled}{{{{ l | length }}}}{}",
        "{% endwith %}".repeat(60)
    ));
    stopped(&format!("{{{{ {}l }}}}", "l+".repeat(40)));
}

#[test]
fn texts_that_grow_beyond_any_file_are_stopped() {
    let text = stopped("{% for a in range(9999) %}{{ 'x' * 1000 }}{% endfor %}");
    assert!(text.contains("more than 4 MiB"), "{text}");
    let text = stopped("{{ '{:999999999}'.format(1) }}");
    assert!(text.contains("width"), "{text}");
    let text = stopped("{{ 'a\nb' | indent(1000000000) }}");
    assert!(text.contains("beyond the limit"), "{text}");
    let text = stopped("{{ l | toyaml(1000000000) }}");
    assert!(text.contains("beyond the limit"), "{text}");
}

#[test]
fn templates_cannot_go_deeper_than_the_stack() {
    let text = stopped("{% macro m(x) %}{{ m(x) }}{% endmacro %}{{ m(1) }}");
    assert!(text.contains("in a circle"), "{text}");
    stopped("{% macro m(x) %}{{ m([x]) }}{% endmacro %}{{ m(1) }}");
    stopped(&format!("{{{{ {}1{} }}}}", "(".repeat(5_000), ")".repeat(5_000)));
    stopped(&format!("{{{{ {}1{} }}}}", "[".repeat(5_000), "]".repeat(5_000)));
    stopped(&format!("{{{{ {} 1 }}}}", "not ".repeat(50_000)));
    stopped(&format!("{{{{ {} gone.x", "-".repeat(50_000)));
    stopped(&"{% if l %}".repeat(5_000));
    stopped(&"{% for x in l %}".repeat(5_000));
    stopped("{% set ns = namespace(x=1) %}{% for a in range(50000) %}{% set ns.x = [ns.x] %}{% endfor %}");
    stopped(
        "{% set ns = namespace(x=1) %}{% for a in range(50000) %}{% set ns.x = namespace(x=ns.x) %}{% endfor %}",
    );
    stopped(
        "{% set ns = namespace(x=1) %}{% for a in range(50000) %}{% set ns.x = [ns.x] | batch(1) | list %}{% endfor %}",
    );
    stopped("{% set d = {} %}{% for a in range(100) %}{% set _ = d.update({'a': d}) %}{% endfor %}{{ d }}");
}

#[test]
fn the_longest_chains_that_are_let_through_have_room() {
    for (start, link, end) in [
        ("", "not ", "gone.x"),
        ("", "-", "gone.x"),
        ("", "1+", "gone.x"),
        ("", "1~", "gone.x"),
        ("l", ".a", ""),
        ("l", "[0]", ""),
        ("l", "|d", ".x.x"),
        ("", "1 if gone.x else ", "1"),
        ("", "l and ", "gone.x"),
    ] {
        let count = ((16 << 10) - start.len() - end.len() - 2) / link.len();
        stopped(&format!("{{{{ {start}{}{end} }}}}", link.repeat(count)));
    }
    let alternatives = "{% elif not l %}".repeat(1_000);
    stopped(&format!(
        "{{% if not l %}}{alternatives}{{% else %}}{{{{ gone.x }}}}{{% endif %}}"
    ));
    stopped(&format!(
        "{{% if not l %}}{alternatives}{{% elif l %}}{{% endif %}}"
    ));
    stopped(&"x".repeat((1 << 20) + 1));
}

#[test]
fn a_circle_of_includes_is_an_error() {
    let text = templates(&[
        ("_a.j2", "{% include '_b.j2' %}"),
        ("_b.j2", "b\n{% include '_a.j2' %}"),
        ("01_x.yaml.j2", "{% include '_a.j2' %}"),
    ])
    .unwrap()
    .render(&json!({}), "t", "s")
    .map_err(|remarks| told(&remarks))
    .unwrap_err();
    assert!(text.contains("_a.j2"), "{text}");
    assert!(text.contains("circle"), "{text}");
    let text = templates(&[("01_x.yaml.j2", "a\n{% include '_gone.j2' %}")])
        .unwrap()
        .render(&json!({}), "t", "s")
        .map_err(|remarks| told(&remarks))
        .unwrap_err();
    assert!(text.contains("base/01_x.yaml.j2:2:"), "{text}");
    assert!(text.contains("_gone.j2"), "{text}");
}
