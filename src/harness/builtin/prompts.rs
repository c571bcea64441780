//! Prompts of exact lengths, made from a seed.
//!
//! Prompts are short words, one token each by the simulator's token rule, and about one and a half each by the
//! tokenisers of real models. They are made on demand: request `n` of a seed is always the same.

use super::workload::{Lengths, Prompts};
use crate::sim::tokens::Answer;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::sync::{Arc, OnceLock};

/// Above this many prompts the order of a shared-prefix workload is not shuffled, to bound memory.
const SHUFFLED: u64 = 1 << 22;
/// Distinguishes what is drawn from one seed.
const STREAM_LENGTHS: u64 = 0x6c65_6e67;
const STREAM_PREFIX: u64 = 0x7072_6566;
const STREAM_ORDER: u64 = 0x6f72_6465;

/// One request's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// What is asked.
    pub text: String,
    /// Tokens in it by the simulator's rule.
    pub input_tokens: u32,
    /// Tokens to generate.
    pub output_tokens: u32,
}

/// Makes the prompts of a workload.
pub struct PromptMaker {
    prompts: Prompts,
    seed: u64,
    /// What the prompts of a group begin with, made when first needed.
    prefixes: Vec<OnceLock<Arc<str>>>,
    order: Vec<u32>,
}

impl PromptMaker {
    /// A maker for `prompts`; the same `seed` makes the same ones.
    pub fn new(prompts: Prompts, seed: u64) -> Self {
        let (groups, order) = match prompts {
            Prompts::Random { .. } => (1, Vec::new()),
            Prompts::SharedPrefix {
                groups, per_group, ..
            } => (groups, order(u64::from(groups) * u64::from(per_group), seed)),
        };
        Self {
            prompts,
            seed,
            prefixes: (0..groups).map(|_| OnceLock::new()).collect(),
            order,
        }
    }

    /// The prompt of request `index` (from 0, counted over all stages).
    pub fn make(&self, index: u64) -> Prompt {
        match self.prompts {
            Prompts::Random {
                prefix,
                input,
                output,
                distinct,
            } => {
                let which = distinct.map_or(index, |distinct| index % distinct.max(1));
                self.assemble(0, prefix, which, input, output)
            }
            Prompts::SharedPrefix {
                groups,
                per_group,
                system,
                question,
                output,
            } => {
                let all = (u64::from(groups) * u64::from(per_group)).max(1);
                let at = index % all;
                let which = self
                    .order
                    .get(usize::try_from(at).unwrap_or(usize::MAX))
                    .map_or(at, |which| u64::from(*which));
                let group = (which % u64::from(groups.max(1))) as usize;
                self.assemble(group, system, which, question, output)
            }
        }
    }

    fn assemble(&self, group: usize, prefix: u32, which: u64, own: Lengths, output: Lengths) -> Prompt {
        let mut random = random(self.seed ^ STREAM_LENGTHS, which);
        let own = draw(own, &mut random);
        let output_tokens = draw(output, &mut random);
        let mut text = String::with_capacity((prefix as usize + own as usize) * 5);
        if prefix > 0
            && let Some(slot) = self.prefixes.get(group)
        {
            text.push_str(slot.get_or_init(|| words(self.seed ^ STREAM_PREFIX, group as u64, prefix).into()));
        }
        text.push_str(&words(self.seed, which, own));
        // Words come with a leading space, as generated tokens do.
        if text.starts_with(' ') {
            text.remove(0);
        }
        Prompt {
            text,
            input_tokens: prefix.saturating_add(own),
            output_tokens,
        }
    }
}

fn words(seed: u64, which: u64, count: u32) -> String {
    Answer::generate(seed, which, count).text(count as usize)
}

fn random(seed: u64, stream: u64) -> ChaCha8Rng {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(stream);
    random
}

/// Prompts of all groups, mixed, so that groups do not arrive one after another.
fn order(count: u64, seed: u64) -> Vec<u32> {
    if count > SHUFFLED {
        return Vec::new();
    }
    let mut order: Vec<u32> = (0..count as u32).collect();
    let mut random = random(seed ^ STREAM_ORDER, 0);
    for at in (1..order.len()).rev() {
        order.swap(at, random.random_range(0..=at));
    }
    order
}

fn draw(lengths: Lengths, random: &mut ChaCha8Rng) -> u32 {
    match lengths {
        Lengths::Fixed(length) => length,
        Lengths::Uniform { min, max } => random.random_range(min.min(max)..=max),
        Lengths::Normal {
            mean,
            std_dev,
            min,
            max,
        } => {
            let length = super::schedule::normal(random).mul_add(std_dev, mean).round();
            (length.clamp(0.0, f64::from(u32::MAX)) as u32).clamp(min.min(max), max)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::tokens;
    use proptest::prelude::*;

    fn shared(groups: u32, per_group: u32) -> Prompts {
        Prompts::SharedPrefix {
            groups,
            per_group,
            system: 50,
            question: Lengths::Fixed(10),
            output: Lengths::Fixed(5),
        }
    }

    proptest! {
        #[test]
        fn lengths_come_out_exactly(prefix in 0u32..200, min in 1u32..100, more in 0u32..100, seed: u64, index in 0u64..1_000_000) {
            let max = min + more;
            let maker = PromptMaker::new(
                Prompts::Random { prefix, input: Lengths::Uniform { min, max }, output: Lengths::Fixed(7), distinct: None },
                seed,
            );
            let prompt = maker.make(index);
            prop_assert_eq!(tokens::count(&prompt.text), prompt.input_tokens as usize);
            prop_assert!((prefix + min..=prefix + max).contains(&prompt.input_tokens));
            prop_assert_eq!(&prompt, &maker.make(index));
        }
    }

    #[test]
    fn a_seed_fixes_all_prompts_and_another_seed_changes_them() {
        let make = |seed, index| PromptMaker::new(shared(3, 4), seed).make(index);
        assert_eq!(make(1, 5), make(1, 5));
        assert_ne!(make(1, 5), make(2, 5));
        assert_ne!(make(1, 5), make(1, 6));
    }

    #[test]
    fn each_group_shares_its_prefix_and_every_question_comes_once_per_round() {
        let maker = PromptMaker::new(shared(3, 4), 9);
        let mut prefixes = std::collections::BTreeMap::<String, u32>::new();
        let mut texts = std::collections::BTreeSet::new();
        for index in 0..12 {
            let prompt = maker.make(index);
            assert_eq!(prompt.input_tokens, 60);
            let words: Vec<&str> = prompt.text.split(' ').collect();
            *prefixes.entry(words[..50].join(" ")).or_default() += 1;
            texts.insert(prompt.text);
        }
        assert_eq!(prefixes.values().copied().collect::<Vec<_>>(), [4, 4, 4]);
        assert_eq!(texts.len(), 12);
        assert_eq!(maker.make(0), maker.make(12));
    }

    #[test]
    fn normal_lengths_keep_their_bounds_and_their_mean() {
        let lengths = Lengths::Normal {
            mean: 384.0,
            std_dev: 40.0,
            min: 256,
            max: 512,
        };
        let mut random = random(3, 0);
        let drawn: Vec<u32> = (0..2000).map(|_| draw(lengths, &mut random)).collect();
        assert!(drawn.iter().all(|length| (256..=512).contains(length)));
        let mean = drawn.iter().map(|length| f64::from(*length)).sum::<f64>() / 2000.0;
        assert!((mean - 384.0).abs() < 5.0, "{mean}");
    }
}
