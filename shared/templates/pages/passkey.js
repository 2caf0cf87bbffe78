{
  const button = document.getElementById("passkey");
  const { form } = button;
  const fields = form.elements;
  const refused = document.getElementById("passkey-refused");
  const makes = Boolean(fields.passkey_options);
  const asked = async () => {
    if (makes) return JSON.parse(fields.passkey_options.value);
    const answer = await fetch("/v1/login/mfa/options", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ mfa_token: fields.mfa_token.value }),
    });
    return (await answer.json()).publicKey;
  };
  const ask = async () => {
    const Key = PublicKeyCredential;
    if (makes) return navigator.credentials.create({ publicKey: Key.parseCreationOptionsFromJSON(await asked()) });
    return navigator.credentials.get({ publicKey: Key.parseRequestOptionsFromJSON(await asked()) });
  };
  button.parentElement.hidden = !window.PublicKeyCredential?.parseRequestOptionsFromJSON;
  if (button.autofocus) button.focus();
  button.addEventListener("click", async () => {
    refused.hidden = true;
    try {
      fields.credential.value = JSON.stringify(await ask());
      form.submit();
    } catch {
      refused.hidden = false;
    }
  });
}
