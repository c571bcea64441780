use super::*;
use crate::sim::model::latency::{Calculator, Fixed, Spread};
use crate::sim::model::profile::{Accelerator, ModelShape};
use crate::sim::model::replica::Limits;
use crate::sim::model::router::RoutingPolicy;
use crate::sim::model::stack::PoolConfig;

/// 10 ms of virtual time between tokens, at most four requests at once.
fn driver(time_scale: f64) -> Driver {
    let fixed = Fixed {
        inter_token: Spread {
            mean: Duration::from_millis(10),
            deviation: Duration::ZERO,
        },
        load_factor: 1.0,
        ..Fixed::default()
    };
    let config = StackConfig {
        decode: PoolConfig {
            engines: 1,
            ranks: 1,
            limits: Limits {
                max_num_seqs: 4,
                max_num_batched_tokens: 2048,
                block_size: 16,
                kv_blocks: 10_000,
                prefix_caching: true,
            },
        },
        prefill: None,
        latency: Latency {
            shape: ModelShape::from_name("m-8B", None).0,
            accelerator: Accelerator::H100,
            calculator: Calculator::Fixed(fixed),
            transfer: None,
        },
        policy: RoutingPolicy::Load,
        max_waiting: 100,
        seed: 1,
    };
    Driver::new(config, time_scale).unwrap()
}

fn order(output: u32) -> Order {
    Order {
        prompt: 5,
        output,
        hashes: Arc::from([]),
        ending: Ending::Length,
        max_tokens: None,
    }
}

/// Run `test` beside the driver.
async fn beside<T>(driver: &Driver, test: impl Future<Output = T>) -> T {
    tokio::select! {
        () = driver.run() => unreachable!("the driver runs for ever"),
        result = test => result,
    }
}

fn busy(driver: &Driver) -> (usize, f64) {
    driver.observe(|views, _| {
        let requests = views.iter().map(|view| view.running + view.waiting).sum();
        (requests, views.iter().map(|view| view.kv_usage).sum())
    })
}

#[tokio::test]
async fn tokens_come_one_by_one_and_never_before_their_time() {
    let driver = driver(1.0);
    beside(&driver, async {
        let start = Instant::now();
        let mut progress = driver.submit(order(5)).unwrap();
        let mut tokens = 0;
        loop {
            let seen = progress.beyond(tokens).await.unwrap();
            assert!(seen.tokens > tokens);
            tokens = seen.tokens;
            assert!(start.elapsed() >= Duration::from_millis(10) * tokens);
            if let Some(record) = seen.record {
                assert_eq!((tokens, record.generated), (5, 5));
                break;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn time_passes_as_fast_as_the_scale_says() {
    let driver = driver(1000.0);
    let record = beside(&driver, async { driver.submit(order(500)).unwrap().end().await }).await;
    let record = record.unwrap();
    assert_eq!(
        record.last_token.saturating_sub(record.arrived),
        Duration::from_secs(5)
    );
    assert_eq!(
        driver.real_duration(Duration::from_secs(5)),
        Duration::from_millis(5)
    );
}

#[tokio::test]
async fn who_does_not_read_misses_nothing_and_delays_nobody() {
    let driver = driver(1000.0);
    beside(&driver, async {
        let mut slow = driver.submit(order(50)).unwrap();
        let mut quick = driver.submit(order(100)).unwrap();
        assert_eq!(quick.end().await.unwrap().generated, 100);
        let seen = slow.beyond(0).await.unwrap();
        assert_eq!(
            (seen.tokens, seen.record.map(|record| record.generated)),
            (50, Some(50))
        );
    })
    .await;
}

#[tokio::test]
async fn dropping_a_request_frees_its_place_for_the_next() {
    let driver = driver(1000.0);
    beside(&driver, async {
        let mut held: Vec<Progress> = (0..4).map(|_| driver.submit(order(100_000)).unwrap()).collect();
        for progress in &mut held {
            progress.beyond(0).await.unwrap();
        }
        let mut next = driver.submit(order(3)).unwrap();
        held.pop();
        assert_eq!(next.end().await.unwrap().generated, 3);
        held.clear();
        assert_eq!(busy(&driver).0, 0);
        assert!(busy(&driver).1.abs() < 1e-9);
    })
    .await;
}
