"""Reading articles: a file's bytes become an Article, or problems. Pure; nothing here touches a disk."""
