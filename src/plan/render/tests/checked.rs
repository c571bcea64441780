//! What is rendered is checked before anything uses it.

use super::*;

fn checked(template: &str, config: &Value) -> Result<Vec<RenderedFile>, String> {
    templates(&[("01_x.yaml.j2", template)])
        .unwrap()
        .render(config, "tp2", "llama")
        .map_err(|remarks| told(&remarks))
}

#[test]
fn what_is_no_yaml_is_an_error_with_its_line() {
    let text = checked("a: 1\nb: [{{ x }}\n", &json!({"x": 1})).unwrap_err();
    for part in [
        "01_x.yaml of the stack llama in the setup treatment tp2",
        "01_x.yaml (from base/01_x.yaml.j2):",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn what_no_api_server_takes_is_an_error_that_names_the_object() {
    let template =
        "apiVersion: v1\nkind: Service\nmetadata:\n  name: web\nspec:\n  ports:\n  - port: {{ port }}\n";
    assert!(checked(template, &json!({"port": 80})).is_ok());
    let text = checked(template, &json!({"port": "eighty"})).unwrap_err();
    for part in ["web", "01_x.yaml (from base/01_x.yaml.j2):7:"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}
