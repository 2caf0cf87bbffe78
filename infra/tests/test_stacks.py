"""How templates are handed to CloudFormation."""

import unittest

from samcli.yamlhelper import yaml_dump, yaml_parse

from wardgate_infra import ROOT, templates, validate
from wardgate_infra.operate import stacks

# CloudFormation's limit for a template that does not come from a bucket.
INLINE_BYTES = 51_200
# As tests/template/limits.rs, which measures what comes from a bucket, too.
SHARE = 0.8
# What `make deploy` hands on by the bucket of artifacts: whatever it gives `code`. The pipeline's do not go there, for
# pipelines write to it, and an administrator would deploy what one of them has put in the place of its own roles.
BY_BUCKET = {
    "infra/backup.yaml",
    "infra/data.yaml",
    "infra/migrate.yaml",
    "infra/observability.yaml",
    "template.yaml",
    *(it for it in validate.STACKS if it.startswith("infra/functions/")),
}


class Inline(unittest.TestCase):
    def test_what_is_sent_without_a_bucket_fits(self) -> None:
        inline = set(validate.STACKS) - BY_BUCKET
        self.assertLessEqual({"infra/artifacts.yaml", "infra/cloudformation-role.yaml", "infra/pipeline.yaml"}, inline)
        for path in inline:
            # What sam makes of it, and measures.
            sent = yaml_dump(yaml_parse(stacks.written(templates.read(ROOT / path))))
            self.assertLess(len(sent.encode()), SHARE * INLINE_BYTES, path)
