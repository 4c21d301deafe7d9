// Runs the same steps as the tests of a team of the other SDKs: who may register,
// and what roles permit.
import assert from "node:assert/strict";
import { mailedToken, newsroomTest } from "./newsroom.js";
import { password, rejects } from "./steps.js";

newsroomTest("team", async (newsroom, step) => {
  const { admin, visitor } = newsroom;
  const anna = newsroom.newUser("anna");
  const invitedNow = async () => {
    for await (const { email } of admin.admin.listInvitations({ limit: 1 })) {
      if (email === anna.email) return true;
    }
    return false;
  };
  let invitation = "";

  await step("nobody registers without an invitation", async () => {
    await rejects(visitor.users.create(anna), 403, "registration_closed");
  });
  await step("invitation", async () => {
    const made = await admin.admin.createInvitation({ email: anna.email, role: "author" });
    assert.equal(made.role, "author");
    assert.ok(await invitedNow());
    invitation = await mailedToken(anna.email);
  });
  await step("a forwarded invitation is of no use", async () => {
    const mallory = { ...newsroom.newUser("mallory"), invitation };
    const error = await rejects(visitor.users.create(mallory), 422, "validation_failed");
    assert.ok(error.fields["email"] ?? error.fields["invitation"]);
  });
  await step("the invited user has the role", async () => {
    const { token } = await visitor.users.create({ ...anna, invitation });
    await visitor.withToken(token).articles.create({
      title: "Hello",
      description: "By Anna",
      body: "Hello.",
      status: "draft",
    });
    assert.ok(!(await invitedNow()));
  });
  await step("an invitation that was withdrawn", async () => {
    const late = newsroom.newUser("late");
    const { id } = await admin.admin.createInvitation({ email: late.email, role: "editor" });
    const invitation = await mailedToken(late.email);
    await admin.admin.deleteInvitation(id);
    const call = visitor.users.create({ ...late, invitation });
    assert.ok((await rejects(call, 422, "validation_failed")).fields["invitation"]);
  });
  const { username, email } = newsroom.newUser("ben");
  let ben = visitor;
  await step("an account that an admin creates", async () => {
    const account = await admin.admin.createUser({ username, email, role: "reader" });
    assert.equal(account.role, "reader");
    await visitor.recovery.confirmPasswordReset({ token: await mailedToken(email), password });
    ben = await visitor.signIn(email, password);
    const article = newsroom.newArticle("Not allowed");
    await rejects(ben.articles.create(article), 403, "role_insufficient");
  });
  await step("another role", async () => {
    await admin.admin.setUserRole(username, { role: "editor", reason: "Edits from now on" });
    await ben.articles.listEditorial();
    const editors: string[] = [];
    for await (const { username } of admin.admin.listUsers({ role: "editor", limit: 1 })) {
      editors.push(username);
    }
    assert.ok(editors.includes(username));
    const [entry] = (await admin.admin.listAuditLog({ subject: username })).items;
    const { action, from, to, reason } = entry!;
    assert.deepEqual(
      [action, from, to, reason],
      ["user.role_changed", "reader", "editor", "Edits from now on"],
    );
  });
});
