-- The schema as it stands after the last migration; a test proves that the history gives exactly this.
--
-- Every table belongs to organizations: org_id comes first in every key, so that the same schema can be
-- distributed by it. Columns in a unique key are never NULL, because engines differ on NULLs there:
-- '' stands for no batch, the zero UUID for every service or every branch.
-- Instants are milliseconds since 1970-01-01T00:00:00Z, dates YYYY-MM-DD, wall times HH:MM.

CREATE TABLE organizations (
    org_id UUID NOT NULL,
    name TEXT NOT NULL,
    folded_name TEXT NOT NULL,
    timezone TEXT NOT NULL,
    allow_cancellation BOOLEAN NOT NULL,
    cancellation_notice_hours INTEGER NOT NULL,
    allow_rescheduling BOOLEAN NOT NULL,
    allow_duplicate_booking BOOLEAN NOT NULL,
    min_notice_hours INTEGER NOT NULL,
    max_advance_days INTEGER,
    token_numbers BOOLEAN NOT NULL,
    horizon_days INTEGER NOT NULL CHECK (horizon_days BETWEEN 0 AND 730),
    audit_keep_days INTEGER NOT NULL,
    -- One more with every change of branches, services, windows, closures or this row.
    config_rev INTEGER NOT NULL,
    created_at INSTANT NOT NULL,
    updated_at INSTANT NOT NULL,
    PRIMARY KEY (org_id)
);

CREATE TABLE branches (
    org_id UUID NOT NULL REFERENCES organizations (org_id),
    branch_id UUID NOT NULL,
    name TEXT NOT NULL,
    folded_name TEXT NOT NULL,
    timezone TEXT,
    -- Records exist for every wanted date up to here.
    projected_to DATE NOT NULL,
    created_at INSTANT NOT NULL,
    updated_at INSTANT NOT NULL,
    PRIMARY KEY (org_id, branch_id),
    UNIQUE (org_id, folded_name)
);

CREATE TABLE services (
    org_id UUID NOT NULL REFERENCES organizations (org_id),
    service_id UUID NOT NULL,
    name TEXT NOT NULL,
    folded_name TEXT NOT NULL,
    active BOOLEAN NOT NULL,
    created_at INSTANT NOT NULL,
    updated_at INSTANT NOT NULL,
    PRIMARY KEY (org_id, service_id),
    UNIQUE (org_id, folded_name)
);

CREATE TABLE api_keys (
    org_id UUID NOT NULL REFERENCES organizations (org_id),
    key_hash TEXT NOT NULL,
    key_id UUID NOT NULL,
    label TEXT NOT NULL,
    prefix TEXT NOT NULL,
    scopes TEXT NOT NULL,
    channel TEXT NOT NULL CHECK (channel IN ('ai', 'staff')),
    rate_limit INTEGER NOT NULL CHECK (rate_limit >= 0),
    expires_at INSTANT,
    revoked_at INSTANT,
    created_at INSTANT NOT NULL,
    PRIMARY KEY (org_id, key_hash),
    UNIQUE (org_id, key_id)
);

-- Calendar windows: the weekly rules. weekday is 0 for Monday.
CREATE TABLE windows (
    org_id UUID NOT NULL,
    calendar_id UUID NOT NULL,
    branch_id UUID NOT NULL,
    weekday INTEGER NOT NULL CHECK (weekday BETWEEN 0 AND 6),
    session TEXT NOT NULL CHECK (session IN ('Morning', 'Afternoon', 'Evening')),
    batch TEXT NOT NULL,
    start_time TEXT NOT NULL,
    end_time TEXT NOT NULL CHECK (end_time > start_time),
    service_id UUID NOT NULL,
    max_slots INTEGER NOT NULL CHECK (max_slots BETWEEN 1 AND 10000),
    ai_slots INTEGER CHECK (ai_slots BETWEEN 0 AND max_slots),
    enabled BOOLEAN NOT NULL,
    created_at INSTANT NOT NULL,
    updated_at INSTANT NOT NULL,
    PRIMARY KEY (org_id, calendar_id),
    UNIQUE (org_id, branch_id, weekday, session, batch, service_id),
    FOREIGN KEY (org_id, branch_id) REFERENCES branches (org_id, branch_id)
);

CREATE INDEX windows_by_weekday ON windows (org_id, weekday, branch_id);

-- Window-dates: the thing that has places, and the only capacity lock. A row keeps its own copy of the window.
CREATE TABLE days (
    org_id UUID NOT NULL,
    date DATE NOT NULL,
    calendar_id UUID NOT NULL,
    branch_id UUID NOT NULL,
    weekday INTEGER NOT NULL,
    session TEXT NOT NULL,
    batch TEXT NOT NULL,
    start_time TEXT NOT NULL,
    end_time TEXT NOT NULL,
    service_id UUID NOT NULL,
    max_slots INTEGER NOT NULL,
    ai_slots INTEGER,
    -- An enabled window covers the date, no closure does, and the wall time exists on it.
    covered BOOLEAN NOT NULL,
    -- Whether a row in overrides stands for it.
    overridden BOOLEAN NOT NULL,
    -- Its appointments that are not cancelled; changes in the same transaction as they do.
    filled INTEGER NOT NULL CHECK (filled >= 0),
    -- Its rows in holds, dead ones that nobody has buried yet included.
    held INTEGER NOT NULL CHECK (held >= 0),
    next_token INTEGER NOT NULL,
    -- One more with every change of this row or of anything that its places depend on.
    rev INTEGER NOT NULL,
    PRIMARY KEY (org_id, date, calendar_id),
    FOREIGN KEY (org_id, calendar_id) REFERENCES windows (org_id, calendar_id)
);

CREATE INDEX days_by_window ON days (org_id, calendar_id, date, weekday);

-- The zero UUID as service_id stands for the window-date itself.
CREATE TABLE overrides (
    org_id UUID NOT NULL,
    date DATE NOT NULL,
    calendar_id UUID NOT NULL,
    service_id UUID NOT NULL,
    status TEXT CHECK (status IN ('OPEN', 'CLOSED')),
    max_slots INTEGER CHECK (max_slots BETWEEN 0 AND 10000),
    ai_slots INTEGER CHECK (ai_slots BETWEEN 0 AND 10000),
    reason TEXT,
    updated_at INSTANT NOT NULL,
    PRIMARY KEY (org_id, date, calendar_id, service_id),
    FOREIGN KEY (org_id, date, calendar_id) REFERENCES days (org_id, date, calendar_id)
);

CREATE TABLE closures (
    org_id UUID NOT NULL REFERENCES organizations (org_id),
    closure_id UUID NOT NULL,
    branch_id UUID NOT NULL,
    date_from DATE NOT NULL,
    date_to DATE NOT NULL CHECK (date_to >= date_from),
    reason TEXT NOT NULL,
    source TEXT NOT NULL,
    created_at INSTANT NOT NULL,
    PRIMARY KEY (org_id, closure_id)
);

CREATE INDEX closures_by_date ON closures (org_id, date_to);

CREATE TABLE appointments (
    org_id UUID NOT NULL,
    appointment_id TEXT NOT NULL,
    date DATE NOT NULL,
    calendar_id UUID NOT NULL,
    service_id UUID NOT NULL,
    branch_id UUID NOT NULL,
    wall_time TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('confirmed', 'rescheduled', 'completed', 'cancelled')),
    channel TEXT NOT NULL CHECK (channel IN ('ai', 'staff')),
    token INTEGER,
    patient_name TEXT NOT NULL,
    parent_phone TEXT NOT NULL,
    -- The patient as the duplicate rule compares them: digits of the phone, folded name.
    phone_key TEXT NOT NULL,
    name_key TEXT NOT NULL,
    assigned_doctor TEXT,
    notes TEXT,
    external_reference_id TEXT,
    created_at INSTANT NOT NULL,
    updated_at INSTANT NOT NULL,
    PRIMARY KEY (org_id, appointment_id),
    FOREIGN KEY (org_id, date, calendar_id) REFERENCES days (org_id, date, calendar_id),
    FOREIGN KEY (org_id, service_id) REFERENCES services (org_id, service_id)
);

CREATE INDEX appointments_by_day ON appointments (org_id, date, calendar_id, status);
CREATE INDEX appointments_by_patient ON appointments (org_id, phone_key, name_key);
CREATE INDEX appointments_by_update ON appointments (org_id, updated_at);

CREATE TABLE holds (
    org_id UUID NOT NULL,
    date DATE NOT NULL,
    calendar_id UUID NOT NULL,
    hold_id UUID NOT NULL,
    service_id UUID NOT NULL,
    channel TEXT NOT NULL CHECK (channel IN ('ai', 'staff')),
    key_id UUID NOT NULL,
    wall_time TEXT,
    expires_at INSTANT NOT NULL,
    created_at INSTANT NOT NULL,
    PRIMARY KEY (org_id, hold_id),
    FOREIGN KEY (org_id, date, calendar_id) REFERENCES days (org_id, date, calendar_id)
);

CREATE INDEX holds_by_day ON holds (org_id, date, calendar_id, expires_at);
CREATE INDEX holds_by_key ON holds (org_id, key_id, expires_at);

-- The claim of the duplicate rule: one patient, one service, one standing appointment.
CREATE TABLE upcoming (
    org_id UUID NOT NULL REFERENCES organizations (org_id),
    patient_key TEXT NOT NULL,
    service_id UUID NOT NULL,
    until INSTANT NOT NULL,
    appointment_id TEXT NOT NULL,
    PRIMARY KEY (org_id, patient_key, service_id)
);

-- The answers of requests with an Idempotency-Key, kept 24 hours.
CREATE TABLE requests (
    org_id UUID NOT NULL REFERENCES organizations (org_id),
    key_id UUID NOT NULL,
    idempotency_key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    status INTEGER,
    answer TEXT,
    created_at INSTANT NOT NULL,
    PRIMARY KEY (org_id, key_id, idempotency_key)
);

CREATE INDEX requests_by_age ON requests (org_id, created_at);

CREATE TABLE audit (
    org_id UUID NOT NULL REFERENCES organizations (org_id),
    audit_id UUID NOT NULL,
    at INSTANT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    key_id UUID,
    user_id UUID,
    channel TEXT,
    request_id TEXT,
    outcome TEXT NOT NULL,
    before TEXT,
    after TEXT,
    PRIMARY KEY (org_id, at, audit_id)
);

CREATE INDEX audit_by_subject ON audit (org_id, subject, at);

-- Shares of a key's rate limit that a server process has taken for itself.
CREATE TABLE rate_leases (
    org_id UUID NOT NULL REFERENCES organizations (org_id),
    key_id UUID NOT NULL,
    lease_id UUID NOT NULL,
    share INTEGER NOT NULL CHECK (share > 0),
    counts_until INSTANT NOT NULL,
    PRIMARY KEY (org_id, key_id, lease_id)
);

-- An organization that was brought in from a file of 'slotkeeper export'. Until finished_at says when all of it was
-- there, nobody sees the organization: its rows are those of an import that runs, or that was interrupted.
CREATE TABLE imports (
    org_id UUID NOT NULL REFERENCES organizations (org_id),
    -- The SHA-256 that stands at the end of the file.
    digest TEXT NOT NULL,
    -- The one import that may write now: another one that took over has put its own id here.
    run_id UUID NOT NULL,
    begun_at INSTANT NOT NULL,
    finished_at INSTANT,
    PRIMARY KEY (org_id)
);

-- The people who work with the dashboard. No password yet: password_hash is NULL.
CREATE TABLE users (
    org_id UUID NOT NULL REFERENCES organizations (org_id),
    user_id UUID NOT NULL,
    email TEXT NOT NULL,
    folded_email TEXT NOT NULL,
    name TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('desk', 'manager', 'admin')),
    language TEXT,
    password_hash TEXT,
    disabled_at INSTANT,
    created_at INSTANT NOT NULL,
    updated_at INSTANT NOT NULL,
    PRIMARY KEY (org_id, user_id),
    UNIQUE (org_id, folded_email)
);

-- Links by which a person chooses a password, each once: only their hashes.
CREATE TABLE links (
    org_id UUID NOT NULL,
    token_hash TEXT NOT NULL,
    user_id UUID NOT NULL,
    purpose TEXT NOT NULL CHECK (purpose IN ('invite', 'reset')),
    expires_at INSTANT NOT NULL,
    created_at INSTANT NOT NULL,
    PRIMARY KEY (org_id, token_hash),
    FOREIGN KEY (org_id, user_id) REFERENCES users (org_id, user_id)
);

CREATE INDEX links_by_user ON links (org_id, user_id);

-- Who is signed in: only the hashes of the tokens that browsers hold. A row that goes away ends it at once.
CREATE TABLE sign_ins (
    org_id UUID NOT NULL,
    token_hash TEXT NOT NULL,
    user_id UUID NOT NULL,
    created_at INSTANT NOT NULL,
    seen_at INSTANT NOT NULL,
    PRIMARY KEY (org_id, token_hash),
    FOREIGN KEY (org_id, user_id) REFERENCES users (org_id, user_id)
);

CREATE INDEX sign_ins_by_user ON sign_ins (org_id, user_id);

-- How often a password was tried of late, by the hash of an account or an address.
CREATE TABLE attempts (
    org_id UUID NOT NULL REFERENCES organizations (org_id),
    subject TEXT NOT NULL,
    tries INTEGER NOT NULL,
    until INSTANT NOT NULL,
    PRIMARY KEY (org_id, subject)
);
