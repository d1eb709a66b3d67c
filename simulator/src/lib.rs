//! A simulated VK.
