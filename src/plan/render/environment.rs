//! minijinja, set up to do as the Jinja environment of llm-d-benchmark does; see `docs/reference.md`, "Rendered files".

use super::{filters, python};
use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, State, UndefinedBehavior, Value};

/// What one template may cost: an instruction takes one, and so do 64 bytes that are made. The dearest template of the
/// reference takes 6,000. This is under a second of time, and bounds what all texts of a rendering may take.
pub(super) const FUEL: u64 = 600_000;
/// How deep macros and includes may go. Each level takes stack, of which a thread has little.
pub(super) const DEEPEST: usize = 120;
/// Digits that a width may have in a text that is a format.
const WIDEST_FORMAT: usize = 4;
/// What precedes the name of a template of the embedded base dir, so that its includes are looked for there too.
pub(super) const EMBEDDED: &str = "<embedded>/";

/// An environment without templates.
pub(super) fn environment() -> Result<Environment<'static>, Error> {
    let mut environment = Environment::new();
    environment.set_syntax(
        SyntaxConfig::builder()
            .trim_blocks(true)
            .lstrip_blocks(true)
            .build()?,
    );
    environment.set_undefined_behavior(UndefinedBehavior::Lenient);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_unknown_method_callback(python_method);
    environment.set_formatter(python::print);
    // Errors then know their place to the column.
    environment.set_debug(true);
    environment.set_fuel(Some(FUEL));
    environment.set_recursion_limit(DEEPEST);
    environment.set_path_join_callback(|name, from| {
        if from.starts_with(EMBEDDED) {
            format!("{EMBEDDED}{name}").into()
        } else {
            name.into()
        }
    });
    filters::register(&mut environment);
    Ok(environment)
}

/// Methods of Python's texts, lists and maps.
fn python_method(
    state: &mut State,
    value: &Value,
    method: &str,
    arguments: &[Value],
) -> Result<Value, Error> {
    // A width in a format is filled without asking for fuel.
    let formatted = value.as_str().filter(|_| method == "format").unwrap_or_default();
    let mut numbers = formatted.split(|c: char| !c.is_ascii_digit());
    if numbers.any(|number| number.len() > WIDEST_FORMAT) {
        let message = format!("a width of more than {WIDEST_FORMAT} digits");
        return Err(Error::new(ErrorKind::InvalidOperation, message));
    }
    minijinja_contrib::pycompat::unknown_method_callback(state, value, method, arguments)
}
