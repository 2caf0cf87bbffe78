{
  const button = document.getElementById("passkey");
  const { form } = button;
  const fields = form.elements;
  const refused = document.getElementById("passkey-refused");
  const Key = window.PublicKeyCredential;
  const [made, step] = [fields.passkey_options, fields.mfa_token];
  const question = async () => {
    if (made) return JSON.parse(made.value);
    const answer = await fetch(step ? "/v1/login/mfa/options" : "/v1/passkeys/login/options", {
      method: "POST",
      ...(step && { headers: { "Content-Type": "application/json" }, body: JSON.stringify({ mfa_token: step.value }) }),
    });
    return (await answer.json()).publicKey;
  };
  const ask = async (more) => {
    if (made) return navigator.credentials.create({ publicKey: Key.parseCreationOptionsFromJSON(await question()) });
    return navigator.credentials.get({ publicKey: Key.parseRequestOptionsFromJSON(await question()), ...more });
  };
  const send = (credential) => {
    fields.credential.value = JSON.stringify(credential);
    form.submit();
  };

  // Where nobody is known yet, the field for the address offers passkeys too. The question lives five minutes, and a browser
  // has one at a time.
  let offered;
  const offer = async () => {
    offered = new AbortController();
    const { signal } = offered;
    const late = setTimeout(() => offered.abort("late"), 240000);
    await ask({ mediation: "conditional", signal }).then(send, () => clearTimeout(late));
    if (signal.reason === "late") await offer();
  };
  const offers = async () => !made && !step && await Key?.isConditionalMediationAvailable?.();

  button.parentElement.hidden = !Key?.parseRequestOptionsFromJSON;
  if (button.autofocus) button.focus();
  button.addEventListener("click", async () => {
    refused.hidden = true;
    offered?.abort("asked");
    await ask().then(send, () => {
      refused.hidden = false;
    });
  });
  offers().then((yes) => yes && offer());
}
