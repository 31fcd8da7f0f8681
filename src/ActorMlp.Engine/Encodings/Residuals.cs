using ActorMlp.Engine.Numerics;

namespace ActorMlp.Engine.Encodings;

/// <summary>
/// What the gradients of a level's subtrees still owe, by step. That of a step stays until the step after it is encoded, so that a subtree may be encoded
/// again: it gives the same bytes and owes the same. Nothing is owed before step 0.
/// </summary>
/// <param name="subtrees">Subtrees of the level.</param>
/// <param name="length">Floats of a gradient.</param>
public sealed class Residuals(int subtrees, int length)
{
    private readonly Entry?[] entries = new Entry?[2 * subtrees];

    /// <summary>What a subtree owes before a step.</summary>
    /// <exception cref="InvalidOperationException">It is not known.</exception>
    public Memory<float> Owed(int subtree, long step) => step == 0 && entries[2 * subtree] is null
        ? Prepare(subtree, 0)
        : (Find(subtree, step) ?? throw new InvalidOperationException($"what subtree {subtree} owes before step {step} is not here")).Buffer.Memory;

    /// <summary>Room for what a subtree owes before a step, in the place of the older of the two that are kept.</summary>
    public Memory<float> Prepare(int subtree, long step)
    {
        int first = 2 * subtree;
        if (Find(subtree, step) is { } known)
        {
            return known.Buffer.Memory;
        }

        int place = entries[first] is null || (entries[first + 1] is { } other && entries[first]!.Step < other.Step) ? first : first + 1;
        Entry entry = entries[place] is { } old ? old with { Step = step } : new Entry(step, new AlignedBuffer(length));
        entries[place] = entry;
        return entry.Buffer.Memory;
    }

    private Entry? Find(int subtree, long step) =>
        entries[2 * subtree] is { } even && even.Step == step ? even
        : entries[2 * subtree + 1] is { } odd && odd.Step == step ? odd
        : null;

    private sealed record Entry(long Step, AlignedBuffer Buffer);
}
