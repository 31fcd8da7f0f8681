namespace ActorMlp.Training.Machines;

/// <summary>
/// Nodes that a coordinator asked to take part and that have not answered. The question may get lost as its connection ends, and so may the answer: it is
/// asked again, and whoever has answered already answers once more.
/// </summary>
/// <param name="patience">After what time a question is asked again.</param>
public sealed class InvitationBook(TimeSpan patience)
{
    private readonly SortedDictionary<int, TimeSpan> asked = [];

    /// <summary>Whether nobody's answer is awaited.</summary>
    public bool IsEmpty => asked.Count == 0;

    /// <summary>Whether a node has been asked and has not answered.</summary>
    /// <param name="node">Its number within the run.</param>
    public bool Awaits(int node) => asked.ContainsKey(node);

    /// <summary>A node is asked.</summary>
    /// <param name="node">Its number within the run.</param>
    /// <param name="now">The time.</param>
    public void Ask(int node, TimeSpan now) => asked[node] = now;

    /// <summary>A node has answered, or is gone.</summary>
    /// <param name="node">Its number within the run.</param>
    /// <returns>Whether its answer was awaited: of several copies the first one counts.</returns>
    public bool Strike(int node) => asked.Remove(node);

    /// <summary>Who is to be asked again now, and counts as asked now.</summary>
    /// <param name="now">The time.</param>
    public IReadOnlyList<int> TakeDue(TimeSpan now)
    {
        int[] due = [.. asked.Where(node => now - node.Value >= patience).Select(node => node.Key)];
        foreach (int node in due)
        {
            asked[node] = now;
        }

        return due;
    }
}
