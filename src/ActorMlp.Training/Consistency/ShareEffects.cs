using ActorMlp.Training.Machines;
using ActorMlp.Training.Views;

namespace ActorMlp.Training.Consistency;

/// <summary>Copy what a share is computed with, once all updates that were asked for before are in the weights, then have a worker compute it.</summary>
/// <param name="Worker">Who computes it.</param>
/// <param name="Work">What.</param>
public sealed record GrantShare(WorkerId Worker, ShareWork Work) : ParameterServerEffect;

/// <summary>Log an update, then apply it: one optimizer step with the mean gradient of the shares that it names; hand in <see cref="ShareUpdateApplied"/>.</summary>
/// <param name="Update">The update.</param>
public sealed record ApplyShares(UpdateRecord Update) : ParameterServerEffect;

/// <summary>Log an average, then put the mean of the shares' copies in place of the weights; hand in <see cref="ShareUpdateApplied"/>.</summary>
/// <param name="Update">The shares whose copies are averaged.</param>
/// <param name="Rows">Rows that each was trained on since the average before: its weight.</param>
public sealed record AverageShares(UpdateRecord Update, IReadOnlyList<long> Rows) : ParameterServerEffect;
