//! `format=ignore_extensions` (schema formats spec §7): a file without what extends and what may be extended.

use super::model::{Field, ProtoFile, ProtoOption};

/// The file without `extend` blocks, `extensions` ranges and custom options, except Confluent's own.
pub(super) fn without_extensions(file: &ProtoFile) -> ProtoFile {
    let mut file = file.clone();
    file.extends.clear();
    keep_standard(&mut file.options);
    for message in &mut file.messages {
        message.extends.clear();
        message.extensions.clear();
        keep_standard(&mut message.options);
        fields(&mut message.fields);
        message.groups.iter_mut().for_each(|group| fields(&mut group.fields));
        for oneof in &mut message.oneofs {
            keep_standard(&mut oneof.options);
            fields(&mut oneof.fields);
            oneof.groups.iter_mut().for_each(|group| fields(&mut group.fields));
        }
    }
    for found in &mut file.enums {
        keep_standard(&mut found.options);
        found.constants.iter_mut().for_each(|constant| keep_standard(&mut constant.options));
    }
    for service in &mut file.services {
        keep_standard(&mut service.options);
        service.rpcs.iter_mut().for_each(|rpc| keep_standard(&mut rpc.options));
    }
    file
}

fn fields(fields: &mut [Field]) {
    fields.iter_mut().for_each(|field| keep_standard(&mut field.options));
}

fn keep_standard(options: &mut Vec<ProtoOption>) {
    options.retain(|option| !option.is_extension || option.name.starts_with("confluent."));
}
