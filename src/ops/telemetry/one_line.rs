//! Escapes and shortens the values of each event, so that each fits on one line in every format.

use std::fmt;

use tracing::{
    Event, Subscriber,
    field::{Field, Value, Visit},
    span,
};
use tracing_subscriber::{Layer, layer::Context};

use crate::text;

/// The maximum length of a value in characters. Messages of the service are shorter, quotations included.
const LONGEST: usize = 1000;

/// Passes events on to the layer of a format with each text escaped for terminals, on one line and
/// shortened. The fields of spans pass unchanged: they are numbers and words of this service.
pub(super) struct OneLine<L>(pub(super) L);

impl<S: Subscriber, L: Layer<S>> Layer<S> for OneLine<L> {
    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let fields = event.metadata().fields();
        let mut values = Values((0..fields.len()).map(|_| None).collect());
        event.record(&mut values);
        let values: Vec<_> = values.0.iter().map(Option::as_deref).collect();
        let values = fields.value_set_all(&values);
        self.0.on_event(&Event::new(event.metadata(), &values), context);
    }

    fn on_new_span(
        &self,
        attributes: &span::Attributes<'_>,
        id: &span::Id,
        context: Context<'_, S>,
    ) {
        self.0.on_new_span(attributes, id, context);
    }
}

/// The values of an event, in the order of its fields.
struct Values(Vec<Option<Box<dyn Value>>>);

impl Values {
    /// Sets a text. The text format quotes it only if it has blanks in it, so that its end is seen.
    fn set_text(&mut self, field: &Field, text: &str) {
        let text = text::shortened(text, LONGEST);
        if field.name() != "message" && text.contains(char::is_whitespace) {
            self.set(field, text);
        } else {
            self.set(field, tracing::field::display(text));
        }
    }

    fn set(&mut self, field: &Field, value: impl Value + 'static) {
        if let Some(place) = self.0.get_mut(field.index()) {
            *place = Some(Box::new(value));
        }
    }
}

impl Visit for Values {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field, value);
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.set(field, value);
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.set(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.set_text(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // `%value` and the message are recorded here too, without quotes.
        self.set_text(field, &format!("{value:?}"));
    }
}
