//! Names of months and days, and of the halves of a day, by language.

/// The names of one language.
pub(super) struct Names {
    /// January to December.
    pub(super) months: [&'static str; 12],
    /// The same, short.
    pub(super) short_months: [&'static str; 12],
    /// Sunday to Saturday.
    pub(super) days: [&'static str; 7],
    /// The same, short.
    pub(super) short_days: [&'static str; 7],
    /// Before and after noon.
    pub(super) halves: [&'static str; 2],
}

static ENGLISH: Names = Names {
    months: [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
    short_months: ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"],
    days: ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"],
    short_days: ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"],
    halves: ["AM", "PM"],
};

static FRENCH: Names = Names {
    months: [
        "janvier",
        "février",
        "mars",
        "avril",
        "mai",
        "juin",
        "juillet",
        "août",
        "septembre",
        "octobre",
        "novembre",
        "décembre",
    ],
    short_months: ["janv.", "févr.", "mars", "avril", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc."],
    days: ["dimanche", "lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi"],
    short_days: ["dim.", "lun.", "mar.", "mer.", "jeu.", "ven.", "sam."],
    halves: ["AM", "PM"],
};

static SPANISH: Names = Names {
    months: [
        "enero",
        "febrero",
        "marzo",
        "abril",
        "mayo",
        "junio",
        "julio",
        "agosto",
        "septiembre",
        "octubre",
        "noviembre",
        "diciembre",
    ],
    short_months: ["ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sep", "oct", "nov", "dic"],
    days: ["domingo", "lunes", "martes", "miércoles", "jueves", "viernes", "sábado"],
    short_days: ["dom", "lun", "mar", "mié", "jue", "vie", "sáb"],
    halves: ["AM", "PM"],
};

static PORTUGUESE: Names = Names {
    months: [
        "janeiro",
        "fevereiro",
        "março",
        "abril",
        "maio",
        "junho",
        "julho",
        "agosto",
        "setembro",
        "outubro",
        "novembro",
        "dezembro",
    ],
    short_months: ["jan", "fev", "mar", "abr", "mai", "jun", "jul", "ago", "set", "out", "nov", "dez"],
    days: ["domingo", "segunda", "terça", "quarta", "quinta", "sexta", "sábado"],
    short_days: ["dom", "seg", "ter", "qua", "qui", "sex", "sáb"],
    halves: ["AM", "PM"],
};

static SWAHILI: Names = Names {
    months: [
        "Januari", "Februari", "Machi", "Aprili", "Mei", "Juni", "Julai", "Agosti", "Septemba", "Oktoba", "Novemba",
        "Desemba",
    ],
    short_months: ["Jan", "Feb", "Mac", "Apr", "Mei", "Jun", "Jul", "Ago", "Sep", "Okt", "Nov", "Des"],
    days: ["Jumapili", "Jumatatu", "Jumanne", "Jumatano", "Alhamisi", "Ijumaa", "Jumamosi"],
    short_days: ["J2", "J3", "J4", "J5", "Alh", "Ij", "J1"],
    halves: ["asubuhi", "alasiri"],
};

static KINYARWANDA: Names = Names {
    months: [
        "Mutarama",
        "Gashyantare",
        "Werurwe",
        "Mata",
        "Gicurasi",
        "Kamena",
        "Nyakanga",
        "Kanama",
        "Nzeri",
        "Ukwakira",
        "Ugushyingo",
        "Ukuboza",
    ],
    short_months: ["Mut", "Gas", "Wer", "Mat", "Gic", "Kam", "Nya", "Kan", "Nze", "Ukw", "Ugu", "Uku"],
    days: ["Ku cyumweru", "Kuwa mbere", "Kuwa kabiri", "Kuwa gatatu", "Kuwa kane", "Kuwa gatanu", "Kuwa gatandatu"],
    short_days: ["Mwe", "Mbe", "Kab", "Gtu", "Kan", "Gnu", "Gnd"],
    halves: ["AM", "PM"],
};

/// The names in a language (ISO 639-3); English for any other.
pub(super) fn of(language: Option<&str>) -> &'static Names {
    match language {
        Some("fra") => &FRENCH,
        Some("kin") => &KINYARWANDA,
        Some("por") => &PORTUGUESE,
        Some("spa") => &SPANISH,
        Some("swa" | "swh") => &SWAHILI,
        _ => &ENGLISH,
    }
}
