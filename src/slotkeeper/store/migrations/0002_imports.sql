-- An organization that was brought in from a file of 'slotkeeper export'. Until finished_at says when all of it was
-- there, nobody sees the organization: its rows are those of an import that runs, or that was interrupted.
CREATE TABLE imports (
    org_id UUID NOT NULL REFERENCES organizations (org_id),
    digest TEXT NOT NULL,
    run_id UUID NOT NULL,
    begun_at INSTANT NOT NULL,
    finished_at INSTANT,
    PRIMARY KEY (org_id)
);
