//! The templates can be imported as they are.

use registry::{TemplateFormat, TemplateLanguage, template};

use super::{found, import};

#[test]
fn every_column_of_a_template_is_known() {
    for format in [TemplateFormat::Csv, TemplateFormat::Xlsx] {
        for language in [TemplateLanguage::English, TemplateLanguage::French] {
            let bytes = template(format, language).unwrap();
            assert_eq!(bytes, template(format, language).unwrap(), "the same bytes each time");
            let import = import(&[("template", &bytes)]);
            assert_eq!(found(&import), Vec::<String>::new(), "{format:?} {language:?}");
            let worker = &import.workers[0];
            assert_eq!(
                (worker.source_id.as_str(), worker.phones[0].number.number.as_str()),
                ("LR-0001", "+231990000001")
            );
            assert!(worker.gender.is_some() && worker.language.is_some() && worker.skills.len() == 2);
            assert_eq!(import.places.len(), 3);
            assert!(worker.posts[0].cadre.is_some() && worker.posts[0].facility_ref.is_some());
        }
    }
}
