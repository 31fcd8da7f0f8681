namespace ActorMlp.Training.Machines;

/// <summary>
/// Whether the step in flight takes longer than steps do. What steps take is measured from one look at the clock to the next; steps that were late
/// themselves, and time during which the run holds, do not count.
/// </summary>
/// <param name="factor">How many times as long as others a step may take; 0 for any.</param>
/// <param name="least">What a step may take in any case.</param>
internal sealed class StragglerWatch(double factor, TimeSpan least)
{
    /// <summary>How much of what was measured before counts when something new comes in.</summary>
    private const double Memory = 0.8;

    private (long Step, TimeSpan Since)? seen;
    private TimeSpan? typical;
    private bool late;

    /// <summary>Looks at the clock.</summary>
    /// <param name="step">The step in flight.</param>
    /// <param name="isOpen">Whether one is.</param>
    /// <param name="now">The time.</param>
    /// <returns>Whether the step is late.</returns>
    public bool IsLate(long step, bool isOpen, TimeSpan now)
    {
        if (factor == 0)
        {
            return false;
        }

        if (!isOpen || seen is not { } last || step < last.Step)
        {
            (seen, late) = (isOpen ? (step, now) : null, false);
            return false;
        }

        if (step > last.Step)
        {
            TimeSpan each = (now - last.Since) / (step - last.Step);
            typical = late ? typical : typical is { } before ? before * Memory + each * (1 - Memory) : each;
            (seen, late) = ((step, now), false);
            return false;
        }

        late = typical is { } usual && now - last.Since > (usual * factor > least ? usual * factor : least);
        return late;
    }
}
