//! What is simulated: the shape of a model and the accelerator it runs on.

/// The figures of a transformer that decide its speed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ModelShape {
    /// All weights, in parameters.
    pub parameters: f64,
    /// Weights one token uses (less than all in a mixture of experts).
    pub active: f64,
    /// Layers.
    pub layers: u32,
    /// Width of the hidden state.
    pub hidden: u32,
    /// Key and value heads (grouped-query attention).
    pub kv_heads: u32,
    /// Width of one head.
    pub head_dim: u32,
    /// Bytes per weight: 2 for BF16, 1 for FP8, ½ for 4 bits.
    pub weight_bytes: f64,
}

/// Shapes of well-known dense models by size: up to billions, layers, hidden, KV heads, head width.
///
/// From the published configurations of OPT-125M, Qwen3 0.6B, 1.7B, 4B, Llama 3.1 8B, Qwen3 14B and 32B, Llama 3 70B,
/// Mistral Large 123B and Llama 3.1 405B.
const SHAPES: [(f64, u32, u32, u32, u32); 10] = [
    (0.3, 12, 768, 12, 64),
    (1.0, 28, 1024, 8, 128),
    (2.5, 28, 2048, 8, 128),
    (5.5, 36, 2560, 8, 128),
    (11.0, 32, 4096, 8, 128),
    (22.0, 40, 5120, 8, 128),
    (50.0, 64, 5120, 8, 128),
    (100.0, 80, 8192, 8, 128),
    (250.0, 88, 12_288, 8, 128),
    (f64::INFINITY, 126, 16_384, 8, 128),
];

/// Size of a model whose name does not tell it, in billions of parameters.
const UNNAMED_SIZE: f64 = 8.0;

impl ModelShape {
    /// The shape of a model by its name: `…-8B-…`, `…-30B-A3B-…` (total and active), `opt-125m`, with `FP8`, `w8a8`,
    /// `int4`, `awq` or `gptq` in the name or `quantization` for the width of the weights. The second value says whether
    /// the name told the size; where it did not, the model counts as one of 8 billion parameters.
    pub fn from_name(name: &str, quantization: Option<&str>) -> (Self, bool) {
        let lower = name.to_ascii_lowercase();
        let mut words = lower.split(|c: char| !c.is_ascii_alphanumeric() && c != '.');
        let total = words.clone().find_map(|word| {
            // Llama 4 names give the active size and the number of experts.
            match word {
                "16e" => Some(109.0),
                "128e" => Some(400.0),
                _ => None,
            }
        });
        let named = words.clone().find_map(billions);
        let active = words.find_map(|word| word.strip_prefix('a').and_then(billions));
        let size = total.or(named).unwrap_or(UNNAMED_SIZE);
        let active = active.or(total.and(named)).unwrap_or(size).min(size);
        let (_, layers, hidden, kv_heads, head_dim) = SHAPES
            .iter()
            .copied()
            .find(|shape| size <= shape.0)
            .unwrap_or((size, 126, 16_384, 8, 128));
        let marks = format!(
            "{lower} {}",
            quantization.unwrap_or_default().to_ascii_lowercase()
        );
        let has = |names: &[&str]| names.iter().any(|name| marks.contains(name));
        // gpt-oss is published in 4 bits alone, which its name does not say.
        let weight_bytes = if has(&["int4", "w4a16", "awq", "gptq", "fp4", "4bit", "gpt-oss"]) {
            0.5
        } else if has(&["fp8", "w8a8", "int8", "8bit"]) {
            1.0
        } else {
            2.0
        };
        let shape = Self {
            parameters: size * 1e9,
            active: active * 1e9,
            layers,
            hidden,
            kv_heads,
            head_dim,
            weight_bytes,
        };
        (shape, named.is_some())
    }

    /// What one of `engines` engines holds of it, where the experts of a mixture are spread over them. What every token
    /// uses is on each of them; a dense model stays whole.
    #[must_use]
    pub fn spread_over(mut self, engines: u32) -> Self {
        self.parameters = (self.parameters / f64::from(engines.max(1))).max(self.active);
        self
    }

    /// Bytes of keys and values one token keeps, in 16-bit numbers, over all layers.
    pub fn kv_bytes_per_token(&self) -> f64 {
        2.0 * 2.0 * f64::from(self.layers) * f64::from(self.kv_heads) * f64::from(self.head_dim)
    }

    /// Bytes of all weights.
    pub fn bytes(&self) -> f64 {
        self.parameters * self.weight_bytes
    }
}

/// `8b`, `0.6b`, `125m` in billions.
fn billions(word: &str) -> Option<f64> {
    let (digits, unit) = word.split_at_checked(word.len().checked_sub(1)?)?;
    if !digits.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let number: f64 = digits.parse().ok()?;
    match unit {
        "b" => Some(number),
        "m" => Some(number / 1000.0),
        _ => None,
    }
    // Anything beyond is no size of a model, and would overflow the times computed from it.
    .filter(|size| *size > 0.0 && *size <= 100_000.0)
}

/// The accelerator one rank of a replica runs on. Data-sheet figures; what is reached of them is in
/// [`super::latency`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Accelerator {
    /// NVIDIA A100 SXM 80 GB.
    A100,
    /// NVIDIA H100 SXM 80 GB.
    H100,
    /// NVIDIA H200 SXM 141 GB.
    H200,
    /// NVIDIA B200 192 GB.
    B200,
    /// NVIDIA L40S 48 GB, on PCI Express.
    L40s,
    /// AMD MI300X 192 GB.
    Mi300x,
}

/// Data-sheet figures of an accelerator.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figures {
    /// Dense BF16 operations per second.
    pub flops: f64,
    /// Memory bandwidth, bytes per second.
    pub memory_bandwidth: f64,
    /// Memory, bytes.
    pub memory: f64,
    /// Bandwidth to its peers in the same machine, bytes per second and direction.
    pub link_bandwidth: f64,
}

impl Accelerator {
    /// Its data-sheet figures.
    pub fn figures(self) -> Figures {
        let (teraflops, terabytes_per_second, gigabytes, link) = match self {
            Self::A100 => (312.0, 2.04, 80.0, 300.0),
            Self::H100 => (989.0, 3.35, 80.0, 450.0),
            Self::H200 => (989.0, 4.8, 141.0, 450.0),
            Self::B200 => (2250.0, 8.0, 192.0, 900.0),
            Self::L40s => (362.0, 0.864, 48.0, 32.0),
            Self::Mi300x => (1307.0, 5.3, 192.0, 448.0),
        };
        Figures {
            flops: teraflops * 1e12,
            memory_bandwidth: terabytes_per_second * 1e12,
            memory: gigabytes * 1e9,
            link_bandwidth: link * 1e9,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_from_names() {
        let size = |name: &str| ModelShape::from_name(name, None).0.parameters / 1e9;
        assert!((size("meta-llama/Llama-3.1-8B-Instruct") - 8.0).abs() < 1e-9);
        assert!((size("facebook/opt-125m") - 0.125).abs() < 1e-9);
        assert!((size("Qwen/Qwen3-0.6B") - 0.6).abs() < 1e-9);
        assert!((size("meta-llama/Llama-4-Scout-17B-16E-Instruct") - 109.0).abs() < 1e-9);
        let (moe, named) = ModelShape::from_name("Qwen/Qwen3-30B-A3B", None);
        assert!(named && (moe.active / 1e9 - 3.0).abs() < 1e-9);
        let (unknown, named) = ModelShape::from_name("gpt2", None);
        assert!(!named && (unknown.parameters / 1e9 - UNNAMED_SIZE).abs() < 1e-9);
        assert!(!ModelShape::from_name("0b", None).1);
        assert!(!ModelShape::from_name("1e300b", None).1);
    }

    #[test]
    fn experts_are_spread_and_dense_models_are_not() {
        let (moe, _) = ModelShape::from_name("Qwen/Qwen3-30B-A3B", None);
        assert!((moe.spread_over(4).bytes() / 1e9 - 15.0).abs() < 1e-9);
        assert!((moe.spread_over(64).parameters - moe.active).abs() < 1.0);
        let (dense, _) = ModelShape::from_name("Qwen/Qwen3-32B", None);
        assert_eq!(dense.spread_over(8), dense);
    }

    #[test]
    fn llama_8b_keeps_128_kib_per_token() {
        let (shape, _) = ModelShape::from_name("Llama-3.1-8B", None);
        assert!((shape.kv_bytes_per_token() - 131_072.0).abs() < 1.0);
    }

    #[test]
    fn quantisation_narrows_the_weights() {
        assert!((ModelShape::from_name("Llama-3.1-405B-FP8", None).0.weight_bytes - 1.0).abs() < 1e-9);
        assert!((ModelShape::from_name("Llama-3.1-8B", Some("awq")).0.weight_bytes - 0.5).abs() < 1e-9);
        assert!((ModelShape::from_name("openai/gpt-oss-120b", None).0.bytes() / 1e9 - 60.0).abs() < 1e-9);
    }
}
