//! Text to tokens and back, without a tokeniser model.
//!
//! A token is what [`pieces`] cuts: runs of letters and digits in pieces of at most [`PIECE_BYTES`] bytes, and runs of
//! other visible characters likewise; white space separates and costs nothing. English text comes out at about 1.2
//! tokens per word, as with real tokenisers, and a prompt of `n` short words has exactly `n` tokens, which makes
//! lengths easy to ask for. `/tokenize`, the prompt accounting and generated text all use this one rule, so an answer
//! sent back as part of the next prompt has the same tokens again and hits the prefix cache.

use std::sync::{Arc, LazyLock};

/// Longest token, in bytes of UTF-8 (a single character may be longer).
pub const PIECE_BYTES: usize = 6;

/// Token ids are below this number, about the vocabulary size of current models.
pub const VOCABULARY_SIZE: u32 = 128_000;

/// How many different words generated text is made of.
const WORDS: u16 = 1024;

/// Mixes a 64-bit number so that each input bit changes about half of the output bits (the finaliser of `SplitMix64`).
///
/// Own code rather than a crate's generator: the text and timings of a seed must not change with a dependency.
pub(super) fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

/// A number in `[0, 1)` from a mixed 64-bit number.
pub(super) fn unit(mixed: u64) -> f64 {
    (mixed >> 11) as f64 / (1u64 << 53) as f64
}

/// A standard normal number from a seed (Box–Muller).
pub(super) fn normal(seed: u64) -> f64 {
    let radius = (-2.0 * (1.0 - unit(mix(seed))).ln()).sqrt();
    radius * (std::f64::consts::TAU * unit(mix(seed ^ 0x5DEE_CE66_D123_4567))).cos()
}

/// The tokens of `text` as they stand in it.
pub fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = rest.trim_start();
        let first = rest.chars().next()?;
        let mut end = first.len_utf8();
        for c in rest.chars().skip(1) {
            let same = !c.is_whitespace() && c.is_alphanumeric() == first.is_alphanumeric();
            if !same || end + c.len_utf8() > PIECE_BYTES {
                break;
            }
            end += c.len_utf8();
        }
        let (piece, tail) = rest.split_at(end);
        rest = tail;
        Some(piece)
    })
}

/// The id of one token: a hash, since there is no vocabulary to look it up in.
fn id_of(piece: &str) -> u32 {
    let hash = piece.bytes().fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
    });
    (mix(hash) % u64::from(VOCABULARY_SIZE)) as u32
}

/// The token ids of `text`.
pub fn tokenize(text: &str) -> Vec<u32> {
    pieces(text).map(id_of).collect()
}

/// How many tokens `text` has.
pub fn count(text: &str) -> usize {
    pieces(text).count()
}

/// Words of the form consonant-vowel-consonant-vowel, with a leading space as generated tokens have, and their ids.
static VOCABULARY: LazyLock<Vec<(String, u32)>> = LazyLock::new(|| {
    let consonants: Vec<char> = "bdfghjklmnprstvz".chars().collect();
    let vowels: Vec<char> = "aeiou".chars().collect();
    let pick = |from: &[char], at: usize| from.get(at % from.len()).copied().unwrap_or('a');
    (0..usize::from(WORDS))
        .map(|i| {
            let word: String = [
                ' ',
                pick(&consonants, i),
                pick(&vowels, (i >> 4) & 3),
                pick(&consonants, i >> 6),
                pick(&vowels, i ^ (i >> 3)),
            ]
            .into_iter()
            .collect();
            let id = id_of(word.trim_start());
            (word, id)
        })
        .collect()
});

/// The text a request will be answered with, one entry per token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Words of the vocabulary, by position.
    Words(Vec<u16>),
    /// The prompt's own tokens (`--mode echo`).
    Echo(Vec<String>),
}

impl Answer {
    /// `length` seeded words. The same seed and prompt always get the same words, whenever they arrive.
    pub fn generate(seed: u64, prompt: u64, length: u32) -> Self {
        let start = mix(seed ^ mix(prompt));
        Self::Words(
            (0..u64::from(length))
                .map(|i| (mix(start.wrapping_add(i)) % u64::from(WORDS)) as u16)
                .collect(),
        )
    }

    /// The first `length` tokens of `text`.
    pub fn echo(text: &str, length: u32) -> Self {
        Self::Echo(
            pieces(text)
                .take(length as usize)
                .map(|piece| format!(" {piece}"))
                .collect(),
        )
    }

    /// How many tokens there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Words(words) => words.len(),
            Self::Echo(pieces) => pieces.len(),
        }
    }

    /// Whether there is no token at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The text of token `at`, with its leading space; empty beyond the end.
    pub fn piece(&self, at: usize) -> &str {
        match self {
            Self::Words(words) => words
                .get(at)
                .and_then(|word| VOCABULARY.get(usize::from(*word)))
                .map_or("", |(text, _)| text),
            Self::Echo(pieces) => pieces.get(at).map_or("", String::as_str),
        }
    }

    /// The text of the first `tokens` tokens.
    pub fn text(&self, tokens: usize) -> String {
        (0..tokens).map(|at| self.piece(at)).collect()
    }

    fn ids(&self) -> Vec<u32> {
        match self {
            Self::Words(words) => words
                .iter()
                .map(|word| VOCABULARY.get(usize::from(*word)).map_or(0, |(_, id)| *id))
                .collect(),
            Self::Echo(pieces) => pieces.iter().map(|piece| id_of(piece.trim_start())).collect(),
        }
    }
}

/// A number standing for a whole prompt; seeds its answer.
pub fn fingerprint(tokens: &[u32]) -> u64 {
    tokens.iter().fold(0, |hash, token| mix(hash ^ u64::from(*token)))
}

/// The hashes of all full blocks of a prompt and its answer. Each depends on all tokens before it, so equal hashes mean
/// equal prefixes: what vLLM's automatic prefix caching and llm-d's routers both work with.
pub fn block_hashes(seed: u64, block_size: u32, prompt: &[u32], answer: &Answer) -> Arc<[u64]> {
    let size = block_size.max(1) as usize;
    let mut hash = mix(seed);
    let mut hashes = Vec::with_capacity((prompt.len() + answer.len()) / size);
    for (at, token) in prompt.iter().copied().chain(answer.ids()).enumerate() {
        hash = mix(hash ^ u64::from(token));
        if (at + 1) % size == 0 {
            hashes.push(hash);
        }
    }
    hashes.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_words_are_one_token_each() {
        assert_eq!(count("the quick brown fox jumps"), 5);
        assert_eq!(
            pieces("tokenisation, yes").collect::<Vec<_>>(),
            ["tokeni", "sation", ",", "yes"]
        );
        assert_eq!(count(""), 0);
        assert_eq!(count(" \n\t "), 0);
        assert_eq!(pieces("日本語").collect::<Vec<_>>(), ["日本", "語"]);
    }

    #[test]
    fn a_generated_answer_has_as_many_tokens_as_it_says_and_the_same_ids_when_read_back() {
        let answer = Answer::generate(7, 42, 500);
        let text = answer.text(500);
        assert_eq!(count(&text), 500);
        assert_eq!(tokenize(&text), answer.ids());
    }

    #[test]
    fn a_seed_fixes_the_text_and_another_seed_changes_it() {
        assert_eq!(Answer::generate(1, 2, 64), Answer::generate(1, 2, 64));
        assert_ne!(Answer::generate(1, 2, 64), Answer::generate(3, 2, 64));
        assert_ne!(Answer::generate(1, 2, 64), Answer::generate(1, 3, 64));
    }

    #[test]
    fn the_next_turn_of_a_conversation_shares_the_blocks_of_the_answer() {
        let prompt = tokenize("one two three four five six seven eight");
        let answer = Answer::generate(1, fingerprint(&prompt), 16);
        let first = block_hashes(0, 8, &prompt, &answer);
        let mut next = prompt.clone();
        next.extend(tokenize(&answer.text(16)));
        next.extend(tokenize("and more words for the next turn now"));
        let second = block_hashes(0, 8, &next, &Answer::Words(Vec::new()));
        assert_eq!(first.len(), 3);
        assert_eq!(second[..3], first[..]);
    }

    #[test]
    fn one_changed_token_changes_every_later_block() {
        let none = Answer::Words(Vec::new());
        let a = block_hashes(0, 2, &[1, 2, 3, 4, 5, 6], &none);
        let b = block_hashes(0, 2, &[1, 2, 9, 4, 5, 6], &none);
        assert_eq!(a[0], b[0]);
        assert_ne!(a[1], b[1]);
        assert_ne!(a[2], b[2]);
    }

    #[test]
    fn normal_numbers_have_mean_zero_and_unit_variance() {
        let (sum, squares) = (0..20_000u64).fold((0.0, 0.0), |(s, q), i| {
            let x = normal(i);
            (s + x, q + x * x)
        });
        assert!((sum / 20_000.0f64).abs() < 0.03);
        assert!((squares / 20_000.0f64 - 1.0).abs() < 0.05);
    }
}
