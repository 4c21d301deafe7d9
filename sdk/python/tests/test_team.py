"""Runs the same steps as the tests of a team of the other SDKs: who may register,
and what roles permit."""

from __future__ import annotations

from clients import PASSWORD, Clients, step
from newsroom import Newsroom, mailed_token, needs_newsroom, rejects


@needs_newsroom
def test_team(clients: Clients) -> None:
    newsroom = Newsroom(clients)
    admin, visitor = newsroom.admin, newsroom.visitor
    anna = newsroom.new_user("anna")

    def invited() -> list[str]:
        return [invitation.email for invitation in admin.admin.list_invitations(limit=1)]

    step("nobody registers without an invitation")
    with rejects(403, "registration_closed"):
        visitor.users.create(**anna)

    step("invitation")
    assert admin.admin.create_invitation(email=anna["email"], role="author").role == "author"
    assert anna["email"] in invited()
    invitation = mailed_token(anna["email"])

    step("a forwarded invitation is of no use")
    with rejects(422, "validation_failed") as caught:
        visitor.users.create(**newsroom.new_user("mallory"), invitation=invitation)
    assert {"email", "invitation"} & caught.value.fields.keys()

    step("the invited user has the role")
    user = visitor.users.create(**anna, invitation=invitation)
    writer = visitor.with_token(user.token)
    writer.articles.create(title="Hello", description="By Anna", body="Hello.", status="draft")
    assert anna["email"] not in invited()

    step("an invitation that was withdrawn")
    late = newsroom.new_user("late")
    withdrawn = admin.admin.create_invitation(email=late["email"], role="editor")
    invitation = mailed_token(late["email"])
    admin.admin.delete_invitation(withdrawn.id)
    with rejects(422, "validation_failed") as caught:
        visitor.users.create(**late, invitation=invitation)
    assert "invitation" in caught.value.fields

    step("an account that an admin creates")
    name, email = newsroom.name("ben"), newsroom.new_user("ben")["email"]
    assert admin.admin.create_user(username=name, email=email, role="reader").role == "reader"
    visitor.recovery.confirm_password_reset(token=mailed_token(email), password=PASSWORD)
    ben = visitor.sign_in(email, PASSWORD)
    with rejects(403, "role_insufficient"):
        ben.articles.create(**newsroom.new_article("Not allowed"))

    step("another role")
    admin.admin.set_user_role(name, role="editor", reason="Edits from now on")
    ben.articles.list_editorial().first_page()
    assert name in [user.username for user in admin.admin.list_users(role="editor", limit=1)]
    entry = admin.admin.list_audit_log(subject=name).first_page().items[0]
    assert (entry.action, entry.from_, entry.to, entry.reason) == (
        "user.role_changed",
        "reader",
        "editor",
        "Edits from now on",
    )
