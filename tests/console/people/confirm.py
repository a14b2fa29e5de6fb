"""An action that asks for the password, without what it would do."""

# Leaves in `window.result` how often the action was sent, and the last answer.
CONFIRM = """async () => {
    const { confirmed } = await import(script("people/confirm_password.js"));
    let asked = 0;
    const refusal = { type: "urn:smartgrid:problem:confirm-first" };
    const send = async () => new Response(JSON.stringify(asked++ ? {} : refusal), { status: asked > 1 ? 200 : 403 });
    window.result = confirmed(send).then((answer) => `${asked} sent, ${answer.status}`);
}"""
