//! The four phases as step tables; answers the engine's [`Executor`](crate::engine::Executor) with a platform.
