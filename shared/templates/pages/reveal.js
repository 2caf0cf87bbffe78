{
  const button = document.getElementById("reveal");
  const field = document.getElementById(button.getAttribute("aria-controls"));
  const label = button.textContent;
  const show = (shown) => {
    field.type = shown ? "text" : "password";
    button.textContent = shown ? button.value : label;
  };
  button.hidden = false;
  button.addEventListener("click", () => show(field.type === "password"));
  field.form.addEventListener("submit", () => show(false));
}
