mod create_invoice;
mod pay_invoice;
mod refund_invoice;
mod void_invoice;

pub use create_invoice::*;
pub use pay_invoice::*;
pub use refund_invoice::*;
pub use void_invoice::*;
