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
