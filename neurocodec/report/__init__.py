"""Reports: results as a page, as tables in Markdown and CSV, and as CompressAI's JSON."""
