//! The contents of a message, without its author and its conversation.

use super::{
    Rejection, Rules,
    fields::{object, optional, required},
    partial::ChatChange,
};
use crate::{
    event::{Message, Reply},
    vk::{
        Identity, bounds,
        field::{Field, Object},
        update::{self, Action, Attachment, ForeignMessage},
    },
};

/// The contents of a message, and the number of attachments and forwarded messages that were left out
/// because they exceed the bounds.
pub(super) fn contents(
    wire: update::Message,
    cmid: i64,
    rules: &Rules,
) -> Result<(Message, usize), Rejection> {
    let text = optional("text", wire.text)?.unwrap_or_default();
    let reply = optional("reply_message", wire.reply)?
        .map(|Object(message)| foreign(message, rules))
        .transpose()?;
    let forward = optional("fwd_messages", wire.forward)?.unwrap_or_default();
    let attachments = optional("attachments", wire.attachments)?.unwrap_or_default();
    let left_out = forward.more + attachments.more;
    let forward = forward
        .items
        .into_iter()
        .map(|message| {
            let Object(message) = required("a forwarded message", message)?;
            foreign(message, rules)
        })
        .collect::<Result<Vec<_>, _>>()?;

    let mut attachments: Vec<_> = attachments.items.into_iter().map(attachment_type).collect();
    for (kind, applies) in
        [("geo", wire.geo.is_some()), ("reply", reply.is_some()), ("forward", !forward.is_empty())]
    {
        if applies {
            attachments.push(kind.to_owned());
        }
    }

    Ok((Message { cmid, text, reply, forward, attachments }, left_out))
}

/// The contents of a cropped message from VK's API; `None` when the message was deleted or is malformed.
pub(super) fn complete(raw: &str, cmid: i64, rules: &Rules) -> Option<Message> {
    let wire: update::Message = object("message", raw).ok()?;
    if matches!(wire.deleted, Field::Is(true)) {
        return None;
    }
    contents(wire, cmid, rules).ok().map(|(message, _)| message)
}

fn foreign(wire: ForeignMessage, rules: &Rules) -> Result<Reply, Rejection> {
    let author = optional("from_id of a reply or forward", wire.from_id)?;
    Ok(Reply {
        cmid: optional(
            "conversation_message_id of a reply or forward",
            wire.conversation_message_id,
        )?
        .unwrap_or(0),
        text: optional("text of a reply or forward", wire.text)?.unwrap_or_default(),
        uuid: author.filter(|_| rules.reply_author),
        bpid: match wire.peer_id {
            Field::Is(id) => Some(id),
            _ => None,
        },
    })
}

fn attachment_type(wire: Field<Object<Attachment>>) -> String {
    match wire {
        Field::Is(Object(Attachment { kind: Field::Is(kind) })) => kind,
        _ => "unknown".to_owned(),
    }
}

/// What a service message changes in its chat, and whether a title was shortened.
pub(super) fn change(wire: Field<Object<Action>>) -> Option<(ChatChange, bool)> {
    let Field::Is(Object(Action { kind: Field::Is(kind), text, member_id })) = wire else {
        return None;
    };
    match (kind.as_str(), text, member_id) {
        ("chat_title_update", Field::Is(mut title), _) => {
            let is_cut = bounds::cut(&mut title, bounds::NAME_BYTES);
            Some((ChatChange::Title(title), is_cut))
        }
        // Who joins by a link is the author.
        ("chat_invite_user", _, Field::Is(id)) => match Identity::of(id)? {
            Identity::User(id) => Some((ChatChange::Joined(id), false)),
            Identity::Chat(_) | Identity::Community(_) | Identity::Email(_) => None,
        },
        _ => None,
    }
}
