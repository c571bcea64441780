//! "Did you mean": names that look like what was written.

/// Most names a suggestion lists.
const MOST: usize = 3;

/// The names among `known` that look most like `written`, best first.
pub(super) fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    // What all old names share would make any two of them look alike.
    let core = |name: &str| name.strip_prefix("LLMDBENCH_").unwrap_or(name).to_lowercase();
    let wanted = core(written);
    let mut scored: Vec<(f64, &str)> = known
        .into_iter()
        .map(|name| (strsim::normalized_damerau_levenshtein(&wanted, &core(name)), name))
        .filter(|(score, _)| *score >= 0.5)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    // A clear hit needs no company.
    let clear = scored.first().is_some_and(|(score, _)| *score >= 0.85);
    scored.truncate(if clear { 1 } else { MOST });
    scored.into_iter().map(|(_, name)| name).collect()
}

/// `did you mean `a`, `b` or `c`?`; `None` where nothing looks alike.
pub(crate) fn did_you_mean<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let names: Vec<String> = nearest(written, known)
        .iter()
        .map(|name| format!("`{name}`"))
        .collect();
    let (last, others) = names.split_last()?;
    Some(if others.is_empty() {
        format!("did you mean {last}?")
    } else {
        format!("did you mean {} or {last}?", others.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_guesses_are_named() {
        let known = ["factors", "levels", "treatments", "constants"];
        assert_eq!(
            did_you_mean("treatmens", known).unwrap(),
            "did you mean `treatments`?"
        );
        assert_eq!(did_you_mean("zzz", known), None);
        let old = [
            "LLMDBENCH_VLLM_COMMON_REPLICAS",
            "LLMDBENCH_VLLM_MODELSERVICE_DECODE_REPLICAS",
            "LLMDBENCH_HF_TOKEN",
        ];
        assert_eq!(
            nearest("LLMDBENCH_VLLM_COMON_REPLICAS", old),
            ["LLMDBENCH_VLLM_COMMON_REPLICAS"]
        );
        assert!(nearest("LLMDBENCH_Q", old).is_empty());
    }
}
